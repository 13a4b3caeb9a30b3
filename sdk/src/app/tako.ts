// createTako: the app's end of Tako Channels: definitions go out, callbacks come in, handles publish.
import { readFileSync } from 'node:fs'

import type { AnyChannel, Definition } from '../define/define.js'
import { TakoError } from '../error.js'
import { AppApi, type Disconnected, type DisconnectOptions } from '../publish/api.js'
import type { EdgeAddress } from '../publish/connection.js'
import { clearCurrentApi, environmentAddress, setCurrentApi } from '../publish/current.js'
import { Callbacks, type Log } from './callbacks.js'
import { discoverChannels } from './discover.js'
import { type FetchHandler, makeFetchHandler } from './fetch_handler.js'
import { type NodeHandler, makeNodeHandler } from './node_handler.js'
import { pushDefinitions } from './push.js'
import { DefinitionRegistry } from './registry.js'
import type { EventListener } from './webhooks.js'

export interface TakoOptions {
  /** The definitions themselves, or the folder that holds them. */
  channels: readonly AnyChannel[] | string
  /** What the edge's `--app-secret-file` holds. */
  secret?: string
  /** The file that holds it. Default: `TAKO_APP_SECRET_FILE` of the environment. */
  secretFile?: string
  /** The broker's app socket. Default: `TAKO_APP_SOCKET`, else `/run/tako/app.sock`. */
  socketPath?: string
  /** Publish through an edge instead, from another machine. Definitions are then not pushed. */
  edge?: EdgeAddress
  /** The app's id, when the server has several. Default: `TAKO_APP`. */
  app?: string
  /** A publish with all its attempts takes no longer. Default 30,000. */
  timeoutMs?: number
  /**
   * Told of what happens on channels whose definition has `webhooks`: one event after the other, in
   * order. What it rejects comes again, and so may an event after a crash: by `id` one can tell.
   */
  onEvent?: EventListener
  /** Where refusals and faults are told. Default: the console. */
  log?: Log
}

export interface Tako {
  /**
   * Loads the definitions and pushes them; resolves when they hold. Waits for a broker that is still
   * starting, `timeoutMs` at most.
   * @throws {TakoError} as a rejection: what is wrong with a definition, or with the way to the broker
   */
  start(): Promise<void>
  /**
   * Takes back what a subject was granted before: everywhere, or on one channel. What is published
   * after it resolves does not reach them under the old permission; their presence leaves at once.
   * They may come again, if `verify` lets them and `banMs` is not given.
   */
  disconnect(subject: string, options?: DisconnectOptions): Promise<Disconnected>
  /** For fetch-style servers: the answer to an edge's callback, null for any other request. */
  readonly handler: FetchHandler
  /** For node:http, Express and Connect. */
  readonly node: NodeHandler
  /** Handles no longer publish through it; resolves when what is in flight has ended. */
  close(): Promise<void>
}

/**
 * Makes the app's end; handles publish through the one created last.
 * @throws {TakoError} `usage-invalid`: two secrets, an unreadable file, no channel, a name twice
 */
export function createTako(options: TakoOptions): Tako {
  const { channels, edge, timeoutMs, onEvent, log = console } = options
  const definitions = lazyDefinitions(channels)
  const callbacks = new Callbacks(definitions, readSecret(options), log, onEvent)
  const api = new AppApi({
    ...address(options),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  setCurrentApi(api)
  return {
    async start() {
      const { all } = await definitions()
      if (onEvent === undefined && all.some(hasWebhooks)) {
        log.warn('tako-channels: a definition has webhooks, but createTako was given no onEvent.')
      }
      if (edge !== undefined) {
        log.warn(
          'tako-channels: definitions are not pushed through an edge. Run `tako-channels push` ' +
            "beside the broker, or put them into its definitions_file ('tako-channels print').",
        )
        return
      }
      const pending = await pushDefinitions(api, all, timeoutMs)
      if (pending.length === 0) return
      log.warn(`tako-channels: edges without the new definitions yet: ${pending.join(', ')}`)
    },
    disconnect: (subject, given) => api.disconnect(subject, given),
    handler: makeFetchHandler(callbacks),
    node: makeNodeHandler(callbacks),
    async close() {
      clearCurrentApi(api)
      await api.close()
    },
  }
}

function hasWebhooks({ config: { webhooks = false } }: Definition): boolean {
  return webhooks === true || (webhooks !== false && webhooks.length > 0)
}

// A folder is loaded when it is first needed, by start() or by a callback; a failure is told to each.
function lazyDefinitions(channels: TakoOptions['channels']): () => Promise<DefinitionRegistry> {
  if (typeof channels !== 'string') {
    const given = Promise.resolve(new DefinitionRegistry(channels))
    return () => given
  }
  let found: Promise<DefinitionRegistry> | undefined
  return () =>
    (found ??= discoverChannels(channels).then((discovered) => new DefinitionRegistry(discovered)))
}

function readSecret({ secret, secretFile }: TakoOptions): string | null {
  if (secret !== undefined && secretFile !== undefined) {
    throw new TakoError('usage-invalid', 'both secret and secretFile are given', {
      hint: 'Give one of them.',
    })
  }
  const file = secretFile ?? process.env.TAKO_APP_SECRET_FILE
  const text = secret ?? (file ? readSecretFile(file) : null)
  if (text !== '') return text
  throw new TakoError('usage-invalid', 'the secret is empty', {
    hint: 'Make one with `openssl rand -hex 32`, and give the same to the edge.',
  })
}

function readSecretFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new TakoError('usage-invalid', `the secret can't be read: ${(cause as Error).message}`, {
      hint: "It is the edge's --app-secret-file; the app's user must be able to read it.",
      cause,
    })
  }
}

function address({ socketPath, edge, app }: TakoOptions) {
  if (socketPath !== undefined && edge !== undefined) {
    throw new TakoError('usage-invalid', 'both socketPath and edge are given', {
      hint: 'Give socketPath on the machine of the broker, edge on another.',
    })
  }
  const environment = environmentAddress()
  const id = app ?? environment.app
  return {
    ...(edge === undefined ? { socketPath: socketPath ?? environment.socketPath } : { edge }),
    ...(id === undefined ? {} : { app: id }),
  }
}
