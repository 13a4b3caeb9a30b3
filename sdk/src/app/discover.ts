// Finds the definitions in a folder: every file directly in it has one as its default export.
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import { type AnyChannel, type Definition, definitionOf } from '../define/define.js'
import { TakoError } from '../error.js'
import { DefinitionRegistry } from './registry.js'

export interface DiscoveredChannel {
  readonly file: string
  readonly channel: AnyChannel
  readonly definition: Definition
}

const extensions = ['.ts', '.tsx', '.js', '.mjs', '.mts']
const usualFolders = ['src/channels', 'channels']

/**
 * The channels of a folder, in the order of their files' names. Files that begin with `_` or `.` are
 * skipped. TypeScript is loaded as it is.
 * @throws {TakoError} `usage-invalid`: the folder holds something else; the message says which file
 */
export async function discoverChannels(folder: string): Promise<AnyChannel[]> {
  return (await discoverFiles(folder)).map(({ channel }) => channel)
}

/** The same, with the file of each. */
export async function discoverFiles(folder: string): Promise<DiscoveredChannel[]> {
  const found: DiscoveredChannel[] = []
  for (const file of listFiles(path.resolve(folder))) {
    found.push({ file, ...(await load(file)) })
  }
  new DefinitionRegistry(found.map(({ channel }) => channel)) // says which name occurs twice
  return found
}

/** The folder given, or the first of the usual ones in `from` that is there. */
export function channelsFolder(given: string | undefined, from = process.cwd()): string {
  if (given !== undefined) return path.resolve(from, given)
  const found = usualFolders.find((folder) => existsSync(path.join(from, folder)))
  if (found !== undefined) return path.join(from, found)
  throw new TakoError('usage-invalid', `no ${usualFolders.join(' and no ')} in ${from}`, {
    hint: 'Name the folder that holds the channels, or run this where your package.json is.',
  })
}

function listFiles(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new TakoError('usage-invalid', `${folder} is no folder`, {
      hint: 'Give the folder that holds the channels, by default src/channels.',
    })
  }
  const files: string[] = []
  for (const name of readdirSync(folder).sort()) {
    if (name.startsWith('_') || name.startsWith('.')) continue
    const file = path.join(folder, name)
    if (statSync(file).isDirectory()) {
      throw new TakoError('usage-invalid', `${file} is a folder inside a channels folder`, {
        hint: 'Channels are files directly in it. Begin the name with _ for anything else.',
      })
    }
    // What a compiler leaves beside the code: declarations, source maps.
    if (extensions.includes(path.extname(name)) && !/\.d\.m?ts$/.test(name)) files.push(file)
  }
  return files
}

// The runtime first (Bun, a loader, a newer Node read TypeScript themselves): a module that the app has
// loaded is then the same module here. Node 18 needs the loader for everything but JavaScript.
async function importTypeScript(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  return createJiti(import.meta.url, { tryNative: true, interopDefault: false }).import(file)
}

async function load(file: string): Promise<Omit<DiscoveredChannel, 'file'>> {
  const { default: channel } = (await import_(file)) as { default?: unknown }
  const definition = definitionOf(channel)
  if (definition !== undefined) return { channel: channel as AnyChannel, definition }
  throw new TakoError('usage-invalid', `${file} has no channel as its default export`, {
    hint: "Write export default defineChannel('…', { … }), or begin the file's name with _.",
  })
}

async function import_(file: string): Promise<unknown> {
  try {
    const isPlain = /\.m?js$/.test(file)
    return isPlain ? await import(pathToFileURL(file).href) : await importTypeScript(file)
  } catch (cause) {
    if (cause instanceof TakoError) throw cause
    throw new TakoError('usage-invalid', `${file} could not be loaded: ${String(cause)}`, { cause })
  }
}
