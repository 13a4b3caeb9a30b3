// Answers the edge's callbacks (docs/protocol.md section 8), whatever server they came in through.
// This is the only path: there is no mode for development in which anything is let through.
import { createHash, timingSafeEqual } from 'node:crypto'

import type { Definition } from '../define/define.js'
import type { Operation, VerifyInput } from '../define/types.js'
import type { Json, Params } from '../types.js'
import { readVerdict } from './grant.js'
import type { DefinitionRegistry } from './registry.js'

export const callbackBytesMax = 256 * 1024 // the edge's own bounds on a head and a key are below

export interface CallbackAnswer {
  status: number
  body: Json
  headers?: Record<string, string>
}

export interface Log {
  warn(text: string): void
  error(text: string, cause?: unknown): void
}

const paths = ['/channels/authorize', '/channels/dispatch'] as const
type Path = (typeof paths)[number]

const repeatedLogIntervalMs = 10_000

/** True for the paths that an edge calls. */
export function isCallback(path: string): path is Path {
  return (paths as readonly string[]).includes(path)
}

export class Callbacks {
  readonly #definitions: () => Promise<DefinitionRegistry>
  readonly #secret: Buffer | null
  readonly #log: Log
  readonly #loggedAt = new Map<string, number>() // by definition, at most: bounded

  /** Without a secret every call is refused: nothing else tells an edge from anybody else. */
  constructor(definitions: () => Promise<DefinitionRegistry>, secret: string | null, log: Log) {
    this.#definitions = definitions
    this.#secret = secret === null ? null : digest(secret)
    this.#log = log
  }

  /** Judges a call by its head, before anyone reads its body: the refusal, or null to go on. */
  refuseHead(method: string, token: string | null | undefined): CallbackAnswer | null {
    const isRight =
      this.#secret !== null &&
      typeof token === 'string' &&
      timingSafeEqual(digest(token), this.#secret)
    if (!isRight) {
      this.#logRefusal()
      return refusal(403, 'forbidden', 'not an edge of this app')
    }
    if (method === 'POST') return null
    return {
      ...refusal(405, 'method-not-allowed', 'callbacks are POST'),
      headers: { Allow: 'POST' },
    }
  }

  /** Of a call whose body did not arrive whole. */
  broken(): CallbackAnswer {
    return refusal(400, 'bad-request', 'the body broke off')
  }

  tooLarge(): CallbackAnswer {
    this.#log.warn(`tako-channels: a callback of more than ${callbackBytesMax} bytes was refused`)
    return refusal(413, 'payload-too-large', `a callback has at most ${callbackBytesMax} bytes`)
  }

  /** Answers a call whose head was not refused. Never throws: a fault of the app's is a 500. */
  async answer(path: Path, body: string): Promise<CallbackAnswer> {
    let where = path as string
    try {
      const call = parseCall(body)
      if (call === null) return this.#malformed(path)
      where = `${path} of channel '${call.channel}'`
      const definition = (await this.#definitions()).find(call.channel)
      if (definition === undefined) {
        return refusal(404, 'channel-unknown', `no channel is named '${call.channel}'`)
      }
      const misfit = definition.checkParams(call.params)
      if (misfit !== null) {
        this.#warnSometimes(definition.name, `${where}: params passed the edge, but: ${misfit}`)
        return refusal(400, 'params-invalid', misfit)
      }
      if (path === '/channels/authorize') return await this.#authorize(definition, call)
      return await this.#dispatch(definition, call)
    } catch (failure) {
      this.#log.error(`tako-channels: ${where} failed; nobody is let in`, failure)
      return refusal(500, 'internal', 'the app failed; its log says why')
    }
  }

  async #authorize({ name, config }: Definition, call: CallbackCall): Promise<CallbackAnswer> {
    if (!isOperation(call.operation)) return this.#malformed('/channels/authorize')
    // The edge asks for a public channel only while it has not got the newest definitions.
    if (config.auth === false) return { status: 200, body: { ok: true } }
    if (config.auth === undefined) {
      this.#warnSometimes(
        name,
        `channel '${name}' has no auth, so nobody gets in. Add auth: { verify }, ` +
          'or auth: false to make it public.',
      )
      return refusal(403, 'verify-rejected', 'the channel has no verify')
    }
    const grant = readVerdict(await config.auth.verify(call as unknown as VerifyInput))
    if (grant === null) return refusal(403, 'verify-rejected', 'verify said no')
    return { status: 200, body: { ok: true, ...grant } as unknown as Json }
  }

  // The server does not call this yet: it refuses definitions whose handlers are functions. What is
  // answered is the original's: what to deliver, or that nothing is.
  async #dispatch({ config }: Definition, call: CallbackCall): Promise<CallbackAnswer> {
    const { channel, params, type, data, subject, publishedBy } = call
    const handlers = config.handler ?? {}
    const handler = typeof type === 'string' && Object.hasOwn(handlers, type) && handlers[type]
    if (typeof handler !== 'function') {
      const reason = `no function handles '${String(type)}'`
      return { status: 200, body: { action: 'reject', reason } }
    }
    const result = await handler(data, {
      channel,
      params,
      publishedBy: publishedBy === 'server' ? 'server' : 'client',
      ...(typeof subject === 'string' ? { subject } : {}),
    })
    if (result === undefined) return { status: 200, body: { action: 'drop' } }
    return { status: 200, body: { action: 'fanout', data: result as Json } }
  }

  #malformed(path: string): CallbackAnswer {
    this.#log.warn(`tako-channels: ${path}: the call is not as agreed; is the edge much newer?`)
    return refusal(400, 'bad-request', 'the call is not as agreed')
  }

  #logRefusal(): void {
    this.#warnSometimes(
      '',
      this.#secret === null
        ? 'a callback was refused: give createTako the secret (secretFile or ' +
            "TAKO_APP_SECRET_FILE), the content of the edge's --app-secret-file."
        : 'a callback with a wrong X-Tako-Internal-Token was refused. If it came ' +
            "from your edge: its --app-secret-file and createTako's secret must be the same.",
    )
  }

  // What clients can cause as often as they like is said once in a while.
  #warnSometimes(about: string, text: string): void {
    const now = performance.now()
    if (now - (this.#loggedAt.get(about) ?? -Infinity) < repeatedLogIntervalMs) return
    this.#loggedAt.set(about, now)
    this.#log.warn(`tako-channels: ${text}`)
  }
}

// Of equal length whatever came in, so that neither length nor content shows in the time it takes.
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function refusal(status: number, code: string, message: string): CallbackAnswer {
  return { status, body: { ok: false, error: { code, message, hint: '' } } }
}

type CallbackCall = { channel: string; params: Params } & Record<string, unknown>

function parseCall(text: string): CallbackCall | null {
  let call: Partial<CallbackCall> | null
  try {
    call = JSON.parse(text) as typeof call
  } catch {
    return null
  }
  if (typeof call !== 'object' || call === null || typeof call.channel !== 'string') return null
  const { params } = call
  const isObject = typeof params === 'object' && params !== null && !Array.isArray(params)
  return isObject ? (call as CallbackCall) : null
}

function isOperation(value: unknown): value is Operation {
  return ['subscribe', 'connect', 'history', 'publish', 'presence'].includes(value as string)
}
