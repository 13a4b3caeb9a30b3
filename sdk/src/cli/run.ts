// The command line: what is asked, done with the definitions of a folder, and told.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { type DiscoveredChannel, channelsFolder, discoverFiles } from '../app/discover.js'
import { pushDefinitions } from '../app/push.js'
import { wireDefinition } from '../define/wire.js'
import { TakoError } from '../error.js'
import { AppApi } from '../publish/api.js'
import { environmentAddress } from '../publish/current.js'
import { writeRegistry } from './generate.js'

export interface Output {
  out(text: string): void
  error(text: string): void
}

/** What the process ends with. */
export const exitCodes = { done: 0, definitionsWrong: 1, usageWrong: 2, serverFailed: 3 } as const

const help = `Usage: tako-channels <command> [folder] [options]

Works with the channel definitions of a folder; src/channels by default, else channels.

Commands
  print       the definitions as JSON, as a definitions_file of the server takes them
  check       load them and say what is wrong, without a server
  push        give them to the broker: from now on they, and only they, hold
  generate    write the file that gives names, params and messages to the client's types

Options
  --socket <path>     push: the broker's app socket
                      (TAKO_APP_SOCKET, else /run/tako/app.sock)
  --app <id>          push: the app, when the server has several (TAKO_APP)
  --timeout <s>       push: how long to wait for a broker that is not there (10)
  --out <file>        generate: what to write (tako.d.ts)
  -h, --help          this text
  -v, --version       the version of this package

Exit codes
  0 done · 1 the definitions are wrong · 2 wrong usage · 3 the server can't be reached or failed
`

const options = {
  socket: { type: 'string' },
  app: { type: 'string' },
  timeout: { type: 'string', default: '10' },
  out: { type: 'string', default: 'tako.d.ts' },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', short: 'v', default: false },
} as const

interface Asked {
  socket?: string
  app?: string
  timeout: string
  out: string
}

type Command = (found: Found, asked: Asked, output: Output) => Promise<void> | void
type Found = readonly DiscoveredChannel[]

const commands: Record<string, Command> = { print, check, push, generate }

/** Runs one command line (without the program's name); resolves with the exit code. */
export async function run(argv: string[], output: Output): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true })
    const [name, folder, ...more] = positionals
    if (values.version) output.out(`${readVersion()}\n`)
    else if (values.help) output.out(help)
    else await runCommand(name, folder, more, values as Asked, output)
    return exitCodes.done
  } catch (failure) {
    output.error(`tako-channels: ${tell(failure)}\n`)
    return exitCodeOf(failure)
  }
}

class UsageError extends Error {}

async function runCommand(
  name: string | undefined,
  folder: string | undefined,
  more: string[],
  asked: Asked,
  output: Output,
): Promise<void> {
  if (name === undefined) throw new UsageError('no command given')
  if (!Object.hasOwn(commands, name)) throw new UsageError(`'${name}' is no command`)
  if (more.length > 0) throw new UsageError(`one folder at a time; what is '${more.join(' ')}'?`)
  const found = await discoverFiles(channelsFolder(folder))
  await commands[name]?.(found, asked, output)
}

function print(found: Found, _asked: Asked, output: Output): void {
  const definitions = found.map(({ definition }) => wireDefinition(definition))
  output.out(`${JSON.stringify({ definitions }, null, 2)}\n`)
}

function check(found: Found, _asked: Asked, output: Output): void {
  for (const { file, definition } of found) {
    output.out(`${definition.name}  ${path.relative('', file)}\n`)
    if (definition.config.auth !== undefined) continue
    output.error(
      `  no auth: nobody gets in. Add auth: { verify }, or auth: false for a public one\n`,
    )
  }
  output.out(
    `${found.length} ${found.length === 1 ? 'definition' : 'definitions'}, all well-formed\n`,
  )
}

async function push(found: Found, asked: Asked, output: Output): Promise<void> {
  const seconds = Number(asked.timeout)
  if (!(seconds > 0)) throw new UsageError(`--timeout '${asked.timeout}' is no number of seconds`)
  const environment = environmentAddress()
  const app = asked.app ?? environment.app
  const api = new AppApi({
    socketPath: asked.socket ?? environment.socketPath,
    ...(app === undefined ? {} : { app }),
    timeoutMs: seconds * 1000,
  })
  const definitions = found.map(({ definition }) => definition)
  const pending = await pushDefinitions(api, definitions).finally(() => api.close())
  output.out(`${found.length} pushed: ${definitions.map(({ name }) => name).join(', ')}\n`)
  if (pending.length > 0)
    output.error(`edges that have not applied them yet: ${pending.join(', ')}\n`)
}

function generate(found: Found, { out }: Asked, output: Output): void {
  const isNew = writeRegistry(path.resolve(out), found)
  output.out(`${out} ${isNew ? 'written' : 'is up to date'}: ${found.length} channels\n`)
}

function tell(failure: unknown): string {
  if (failure instanceof TakoError) {
    return failure.hint === '' ? failure.message : `${failure.message}\n  ${failure.hint}`
  }
  const { message } = failure as Error
  return isUsage(failure) ? `${message}\n  tako-channels --help says what there is.` : message
}

function isUsage(failure: unknown): boolean {
  const code = (failure as NodeJS.ErrnoException).code ?? ''
  return failure instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')
}

function exitCodeOf(failure: unknown): number {
  if (isUsage(failure)) return exitCodes.usageWrong
  if (!(failure instanceof TakoError)) return exitCodes.definitionsWrong
  const areWrong = failure.code === 'usage-invalid' || failure.code === 'definition-invalid'
  return areWrong ? exitCodes.definitionsWrong : exitCodes.serverFailed
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
