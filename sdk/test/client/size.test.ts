// The size budgets hold.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('what a browser loads stays within its budgets', async () => {
  const script = fileURLToPath(new URL('../size.mjs', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script])
  expect(stdout.trim().split('\n')).toHaveLength(4)
})
