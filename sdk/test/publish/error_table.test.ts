// The catalogue of error.ts is the table of docs/protocol.md section 6.
import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { serverErrors } from '../../src/error.js'

test('every code has the status, the close code and the retry that the protocol says', () => {
  const protocol = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
  const section = protocol.split('\n## 6. Errors\n')[1]?.split('\n### ')[0] ?? ''
  const rows = [...section.matchAll(/^\| `([a-z0-9-]+)` \| (\d+) \| (\d*) *\| (yes)? *\|$/gm)]
  const table = Object.fromEntries(
    rows.map(([, code, status, close, retry]) => [
      code,
      { status: Number(status), close: Number(close), retryable: retry === 'yes' },
    ]),
  )
  expect(rows.length).toBeGreaterThan(40)
  expect(serverErrors).toEqual(table)
})
