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
  const [, code = ''] = /^```ts\n(.*?)^```$/ms.exec(guide) ?? []
  const around = `
    declare const session: { freshToken(): Promise<string> }
    declare const show: (message: { type: string }) => void
    declare const banner: (status: string, hint: string | undefined) => void
    declare const loadMessages: (roomId: string) => Promise<unknown[]>
    declare const replaceAll: (messages: unknown[]) => void
  `
  const file = 'test/fixtures/client/guide.ts'
  expect(typeErrors({ [registry]: undefined, [file]: code + around })).toEqual([])
}, 60_000)
