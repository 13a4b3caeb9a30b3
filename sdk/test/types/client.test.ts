// The client's types: a wrong name, param, message or option does not compile; the guide's code does.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

import { typeErrors } from '../support/type_check.js'

const registry = 'test/fixtures/react/registry.d.ts'

test('the fixture compiles, and each line that expects an error has one', () => {
  const fixture = 'test/fixtures/client/client.ts'
  expect(typeErrors({ [registry]: undefined, [fixture]: undefined })).toEqual([])
}, 60_000)

test('the code in docs/sdk/client.md compiles', () => {
  const guide = readFileSync(new URL('../../../docs/sdk/client.md', import.meta.url), 'utf8')
  const snippets = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  expect(snippets.length).toBeGreaterThanOrEqual(3)
  const around = `
    declare const session: { freshToken(): Promise<string> }
    declare const show: (shown: { type: string } | readonly { subject: string }[]) => void
    declare const toast: (text: string) => void
    declare const list: unknown[]
    declare const banner: (status: string, hint: string | undefined) => void
    declare const loadMessages: (roomId: string) => Promise<unknown[]>
    declare const replaceAll: (messages: unknown[]) => void
    export {}
  `
  const made = "declare const client: import('tako-channels/client').TakoClient\n"
  const files = snippets.map((code, index) => {
    const isWhole = code.includes('createClient')
    return [`test/fixtures/client/guide_${index}.ts`, code + around + (isWhole ? '' : made)]
  })
  const all = Object.fromEntries(files)
  // A snippet shows a call that its reader makes.
  const errors = typeErrors({ [registry]: undefined, ...all })
  expect(
    errors.filter((text) => !text.includes('is declared but its value is never read')),
  ).toEqual([])
}, 60_000)
