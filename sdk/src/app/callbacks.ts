// Answers the edge's callbacks (docs/protocol.md section 8), whatever server they came in through.
// This is the only path: there is no mode for development in which anything is let through.
import { createHash, timingSafeEqual } from 'node:crypto'

import type { Definition } from '../define/define.js'
import type { Operation, VerifyInput } from '../define/types.js'
import type { Json } from '../types.js'
import { type CallbackCall, dispatch } from './dispatch.js'
import { readVerdict } from './grant.js'
import type { DefinitionRegistry } from './registry.js'
import { isRecent, isSignedBy, parseSignature } from './signature.js'
import { type EventListener, Webhooks, parseBatch } from './webhooks.js'

/** The edge's own bounds on a head, a key and a client's message are below. */
export const callbackBytesMax = 2 * 1024 * 1024

/** What a call's head says of who makes it. */
export interface CallbackHead {
  readonly method: string
  /** X-Tako-Internal-Token */
  readonly token: string | null | undefined
  /** X-Tako-Signature */
  readonly signature: string | null | undefined
}

/** A call's body; `isRaw`: exactly as it came, which is what a signature is over. */
export interface CallbackBody {
  readonly text: string
  readonly isRaw: boolean
}

export interface CallbackAnswer {
  status: number
  body: Json
  headers?: Record<string, string>
}

export interface Log {
  warn(text: string): void
  error(text: string, cause?: unknown): void
}

const eventsPath = '/channels/events'
const paths = ['/channels/authorize', '/channels/dispatch', eventsPath] as const
type Path = (typeof paths)[number]

const repeatedLogIntervalMs = 10_000

const consequences: Record<Path, string> = {
  '/channels/authorize': 'nobody is let in',
  '/channels/dispatch': 'the message is not published',
  '/channels/events': 'the events come again',
}

/** True for the paths that an edge calls. */
export function isCallback(path: string): path is Path {
  return (paths as readonly string[]).includes(path)
}

export class Callbacks {
  readonly #definitions: () => Promise<DefinitionRegistry>
  readonly #secret: string | null
  readonly #secretDigest: Buffer | null
  readonly #webhooks: Webhooks | null
  readonly #log: Log
  readonly #loggedAt = new Map<string, number>() // by definition, at most: bounded

  /** Without a secret every call is refused: nothing else tells an edge from anybody else. */
  constructor(
    definitions: () => Promise<DefinitionRegistry>,
    secret: string | null,
    log: Log,
    onEvent?: EventListener,
  ) {
    this.#definitions = definitions
    this.#secret = secret
    this.#secretDigest = secret === null ? null : digest(secret)
    this.#webhooks = onEvent === undefined ? null : new Webhooks(onEvent)
    this.#log = log
  }

  /** Judges a call by its head, before anyone reads its body: the refusal, or null to go on. */
  refuseHead(path: Path, head: CallbackHead): CallbackAnswer | null {
    const signature = path === eventsPath ? parseSignature(head.signature) : null
    const mayBeRight = signature !== null && isRecent(signature, Date.now())
    if (this.#secret === null || (path === eventsPath ? !mayBeRight : !this.#isEdge(head))) {
      this.#logRefusal(path)
      return refusal(403, 'forbidden', 'not an edge of this app')
    }
    if (head.method === 'POST') return null
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
  async answer(path: Path, head: CallbackHead, body: CallbackBody): Promise<CallbackAnswer> {
    let where = path as string
    try {
      if (path === eventsPath) return await this.#takeEvents(head, body)
      const call = parseCall(body.text)
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
      return { status: 200, body: await dispatch(definition, call) }
    } catch (failure) {
      this.#log.error(`tako-channels: ${where} failed; ${consequences[path]}`, failure)
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

  async #takeEvents(head: CallbackHead, { text, isRaw }: CallbackBody): Promise<CallbackAnswer> {
    const signature = parseSignature(head.signature)
    const isSigned = signature !== null && isSignedBy(this.#secret ?? '', signature, text)
    // A body that a parser has read can't be checked byte by byte; an edge's token vouches for it.
    if (!isSigned && (isRaw || !this.#isEdge(head))) {
      this.#logRefusal(eventsPath)
      return refusal(403, 'forbidden', 'the signature is not that of this app')
    }
    const batch = parseBatch(text)
    if (batch === null) return this.#malformed(eventsPath)
    if (this.#webhooks === null) {
      this.#warnSometimes(eventsPath, 'webhooks come, but createTako was given no onEvent.')
      return refusal(404, 'not-found', 'the app has no onEvent')
    }
    if (await this.#webhooks.take(batch)) return { status: 200, body: { ok: true } }
    return refusal(503, 'unavailable', 'earlier events are still worked on')
  }

  #isEdge({ token }: CallbackHead): boolean {
    return (
      this.#secretDigest !== null &&
      typeof token === 'string' &&
      timingSafeEqual(digest(token), this.#secretDigest)
    )
  }

  #malformed(path: string): CallbackAnswer {
    this.#log.warn(`tako-channels: ${path}: the call is not as agreed; is the edge much newer?`)
    return refusal(400, 'bad-request', 'the call is not as agreed')
  }

  #logRefusal(path: Path): void {
    const what = path === eventsPath ? 'X-Tako-Signature' : 'X-Tako-Internal-Token'
    this.#warnSometimes(
      what,
      this.#secret === null
        ? 'a callback was refused: give createTako the secret (secretFile or ' +
            "TAKO_APP_SECRET_FILE), the content of the edge's --app-secret-file."
        : `a callback with a wrong ${what} was refused. If it came from your edge: its ` +
            "--app-secret-file and createTako's secret must be the same, and so the time of day.",
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
