// The code in docs/sdk/app.md compiles, as it stands there.
import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { typeErrors } from '../support/type_check.js'

test('every snippet of the guide compiles', () => {
  const guide = readFileSync(new URL('../../../docs/sdk/app.md', import.meta.url), 'utf8')
  const snippets = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  expect(snippets.length).toBeGreaterThanOrEqual(7)
  const files = snippets.map((code, index) => {
    const [, name = `snippet_${index}.ts`] = /^\/\/ (src\/\S+)/.exec(code) ?? []
    // What neither imports nor exports would share its names with the other snippets.
    return [`test/fixtures/app_guide/${name}`, `${code}\nexport {}\n`]
  })
  const around = { 'test/fixtures/app_guide/around.d.ts': undefined }
  expect(typeErrors({ ...around, ...Object.fromEntries(files) })).toEqual([])
}, 60_000)
