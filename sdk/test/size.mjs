// Holds the size budgets of what a browser loads: bundled, minified, gzipped. `node test/size.mjs`.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

import { build } from 'esbuild'

const folder = fileURLToPath(new URL('..', import.meta.url))
/** Code for `transport: 'sse'` and `shareTabs`, loaded on demand: bundlers make chunks of it. */
const onDemand = ['./event_stream.js', './tabs.js', './presence.js']
/** What a page with the hooks has anyway. */
const besides = ['react', 'react/*', '../client/*', '../error.js']

// A kilobyte more than before presence: older pages, rewind, what holds on to the code of presence before
// it is there, and four codes of errors. Presence itself is loaded by whoever asks for it.
const budgets = [
  { name: 'createClient', code: `export { createClient } from './src/client/index.js'`, limit: 11 },
  { name: 'all of client', code: `export * from './src/client/index.js'`, limit: 12 },
  {
    name: 'presence',
    code: `export { PresenceFeed } from './src/client/presence.js'`,
    limit: 2,
    external: ['../error.js', './json.js', './outbox.js'],
  },
  // A kilobyte more than before usePresence and useOccupancy did anything.
  { name: 'react', code: `export * from './src/react/index.js'`, limit: 4, external: besides },
]

/** Bytes of the bundle, gzipped. */
async function sizeOf(code, external = onDemand) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: folder, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    external,
  })
  return gzipSync(outputFiles[0].contents, { level: 9 }).length
}

for (const { name, code, limit, external } of budgets) {
  const size = await sizeOf(code, external)
  const isTooBig = size > limit * 1024
  if (isTooBig) process.exitCode = 1
  console.log(`${name}: ${size} bytes of ${limit * 1024}${isTooBig ? ': too big' : ''}`)
}
