// Writes the registry type: from each channel's name to the types of its definition.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import type { DiscoveredChannel } from '../app/discover.js'

/** Writes the file unless it is as it would be written; true when it was written. */
export function writeRegistry(file: string, found: readonly DiscoveredChannel[]): boolean {
  const text = registryText(path.dirname(file), found)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return false
  writeFileSync(file, text)
  return true
}

/** The file's text; imports are relative to the folder that it will be in. */
export function registryText(folder: string, found: readonly DiscoveredChannel[]): string {
  const entries = found.map(({ file, definition }) => {
    return `    ${keyOf(definition.name)}: InferChannel<typeof import('${specifierOf(folder, file)}').default>`
  })
  return `// Written by \`tako-channels generate\`: it types the channels' names, params and messages in the
// client. Run it again when a file in the channels folder comes or goes.
import type { InferChannel } from 'tako-channels'

declare module 'tako-channels' {
  interface TakoChannels {
${entries.join('\n')}
  }
}
`
}

// A definition for a prefix stands for all names that begin so; the compiler can say that too.
function keyOf(name: string): string {
  return name.endsWith('*') ? `[name: \`${name.slice(0, -1)}\${string}\`]` : `'${name}'`
}

// With the extension of what the file compiles to: every module resolution of TypeScript finds the
// source by it.
function specifierOf(folder: string, file: string): string {
  const relative = path.relative(folder, file).split(path.sep).join('/')
  const compiled = relative.replace(/\.(ts|tsx)$/, '.js').replace(/\.mts$/, '.mjs')
  return compiled.startsWith('.') ? compiled : `./${compiled}`
}
