// The hooks' types: a wrong name, param, message or option does not compile; the guide's code does.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

import { typeErrors } from '../support/type_check.js'

const registry = 'test/fixtures/react/registry.d.ts'

test('the fixture compiles, and each line that expects an error has one', () => {
  expect(typeErrors({ [registry]: undefined, 'test/fixtures/react/hooks.tsx': undefined })).toEqual(
    [],
  )
}, 60_000)

test('the code in docs/sdk/react.md compiles', () => {
  const guide = readFileSync(new URL('../../../docs/sdk/react.md', import.meta.url), 'utf8')
  const snippets = [...guide.matchAll(/^```tsx\n(.*?)^```$/gms)].map(([, code]) => code)
  expect(snippets.length).toBeGreaterThanOrEqual(3)
  const files = snippets.map((code, index) => [`test/fixtures/react/guide_${index}.tsx`, code])
  expect(typeErrors({ [registry]: undefined, ...Object.fromEntries(files) })).toEqual([])
}, 60_000)

test('a wrong line is told with its place', () => {
  const code = "import { useChannel } from 'tako-channels/react'\nuseChannel('nothing')\n"
  expect(typeErrors({ [registry]: undefined, 'test/fixtures/react/wrong.tsx': code })).toEqual([
    expect.stringMatching(/^test\/fixtures\/react\/wrong\.tsx:2: .*"nothing"/),
  ])
}, 60_000)
