// The app API as calls: publish, batch, history, definitions. Retries only what is safe to repeat.
import { randomUUID } from 'node:crypto'

import { TakoError } from '../error.js'
import type { PresencePage, PresenceQuery } from '../presence_types.js'
import type { ChannelMessage, HistoryPage, HistoryQuery, Params } from '../types.js'
import { type Call, Connection, type ConnectionOptions, type Reply } from './connection.js'
import { Patience } from './patience.js'
import { withRetries } from './retry.js'
import { type Target, pathOf } from './target.js'

export interface ApiOptions extends ConnectionOptions {
  /** A call with all its attempts takes no longer. Default 30,000. */
  timeoutMs?: number
  /** One attempt takes no longer, when another may follow. Default 10,000. */
  attemptTimeoutMs?: number
}

export interface BatchOptions {
  /** The same key again is the same publish: a repeat is answered with what was stored first. */
  idempotencyKey?: string
  /** `synced`: on the disk; `written`: survives a kill, not a loss of power. Default: the server's. */
  ack?: 'synced' | 'written'
  signal?: AbortSignal
  timeoutMs?: number
}

export interface PublishOptions extends BatchOptions {
  /** Delivered live, never stored; without an id, and never retried. */
  ephemeral?: boolean
}

export interface DisconnectOptions {
  /** On this channel alone: its name; without params on every channel of that name. Default: everywhere. */
  channel?: string
  params?: Params
  /** Don't end it: ask `verify` again, and deliver nothing until it answers. */
  reauthorize?: boolean
  /** Refuse them for so long, whatever `verify` says; 24 h at most. 0 lifts a ban, and ends nothing. */
  banMs?: number
  /** For the client. */
  reason?: string
}

/** What a disconnect did. */
export interface Disconnected {
  /** So many were ended. */
  readonly subscriptions: number
  /** Edges that have not said within a second that they did it. */
  readonly pending: string[]
}

/** A message before it is stored. */
export interface Draft {
  readonly type: string
  readonly data: unknown
}

type Stored = ChannelMessage & { readonly ack?: string }

export class AppApi {
  readonly #connection: Connection
  readonly #timeoutMs: number
  readonly #attemptTimeoutMs: number
  readonly #inFlight = new Set<Promise<unknown>>() // bounded by the connection's queue
  #isClosed = false

  constructor({ timeoutMs = 30_000, attemptTimeoutMs = 10_000, ...options }: ApiOptions) {
    this.#connection = new Connection(options)
    this.#timeoutMs = timeoutMs
    this.#attemptTimeoutMs = attemptTimeoutMs
  }

  /** Publishes one message. Unless it is ephemeral it has a key, so retries are delivered once. */
  async publish(target: Target, draft: Draft, options: PublishOptions = {}): Promise<Stored> {
    const { ephemeral, ack, signal, timeoutMs } = options
    const key = ephemeral ? options.idempotencyKey : (options.idempotencyKey ?? randomUUID())
    const body = {
      ...wireDraft(draft),
      ...(ephemeral ? { ephemeral: true } : {}),
      ...(key === undefined ? {} : { idempotencyKey: key }),
      ...(ack === undefined ? {} : { ack }),
    }
    const call = post(pathOf(target, 'messages'), body)
    return (await this.call(call, { isRepeatable: !ephemeral, signal, timeoutMs })) as Stored
  }

  /** Publishes all or none, to one channel. */
  async batch(
    target: Target,
    drafts: readonly Draft[],
    { idempotencyKey = randomUUID(), ack, signal, timeoutMs }: BatchOptions = {},
  ): Promise<Stored[]> {
    const messages = drafts.map((draft) => ({ ...target, ...wireDraft(draft) }))
    const call = post('/v1/batch', {
      messages,
      atomic: true,
      ...(ack === undefined ? {} : { ack }),
    })
    const options = { isRepeatable: true, signal, timeoutMs, idempotencyKey }
    const answer = (await this.call(call, options)) as { results: Stored[]; ack?: string }
    return answer.results.map((message) =>
      answer.ack === undefined ? message : { ...message, ack: answer.ack },
    )
  }

  async history(target: Target, query: HistoryQuery = {}): Promise<HistoryPage> {
    return (await this.#read(target, 'messages', query)) as HistoryPage
  }

  async presence(target: Target, query: PresenceQuery = {}): Promise<PresencePage> {
    return (await this.#read(target, 'presence', query)) as PresencePage
  }

  /** Takes back what a subject was granted before. */
  async disconnect(subject: string, options: DisconnectOptions = {}): Promise<Disconnected> {
    if (typeof subject !== 'string' || subject === '') {
      throw new TakoError('usage-invalid', 'the subject is missing', {
        hint: 'Say who: what verify gave as their subject.',
      })
    }
    if (options.params !== undefined && options.channel === undefined) {
      throw new TakoError('usage-invalid', 'params without a channel', {
        hint: 'Say which channel they are params of.',
      })
    }
    return this.#disconnect(`/v1/subjects/${encodeURIComponent(subject)}/disconnect`, options)
  }

  /** Takes back everybody's permission to a channel. */
  async disconnectAll(target: Target, options: object = {}): Promise<Disconnected> {
    return this.#disconnect(pathOf(target, 'disconnect'), options)
  }

  /** Replaces the app's definitions; the names of edges that have not applied them yet. */
  async putDefinitions(definitions: readonly object[], timeoutMs?: number): Promise<string[]> {
    const call: Call = {
      method: 'PUT',
      path: '/v1/definitions',
      body: JSON.stringify({ definitions }),
    }
    const answer = await this.call(call, { isRepeatable: true, timeoutMs })
    const { pending } = answer as { pending?: string[] }
    return pending ?? []
  }

  /**
   * One call with its retries; resolves with the body of an answer below 300.
   * @throws {TakoError} as a rejection: the server's refusal, or why there was no answer
   */
  async call(call: Call, options: CallOptions): Promise<unknown> {
    if (this.#isClosed) {
      throw new TakoError('usage-invalid', 'this Tako is closed', {
        hint: 'Publish before close(), or create another Tako.',
      })
    }
    const result = this.#run(call, options)
    this.#inFlight.add(result)
    return result.finally(() => this.#inFlight.delete(result))
  }

  /** Takes no more calls; resolves when those in flight have ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#inFlight)
    this.#connection.close()
  }

  async #read(target: Target, resource: string, query: object): Promise<unknown> {
    const pairs = Object.entries(query).map(([name, value]) => [`_${name}`, value])
    const path = pathOf(target, resource, Object.fromEntries(pairs))
    return this.call({ method: 'GET', path }, { isRepeatable: true })
  }

  // Doing it again ends what came in between: nobody who was meant goes on.
  async #disconnect(path: string, body: object): Promise<Disconnected> {
    const answer = await this.call(post(path, body), { isRepeatable: true })
    return { pending: [], ...(answer as { subscriptions: number; pending?: string[] }) }
  }

  async #run(call: Call, options: CallOptions): Promise<unknown> {
    const { isRepeatable, signal, timeoutMs = this.#timeoutMs } = options
    const patience = new Patience(timeoutMs, signal)
    if (!isRepeatable) return this.#attempt(call, options, patience)
    return withRetries(async () => {
      const attemptMs = Math.min(this.#attemptTimeoutMs, patience.leftMs)
      return this.#attempt(call, options, new Patience(attemptMs, signal))
    }, patience)
  }

  async #attempt(call: Call, options: CallOptions, patience: Patience): Promise<unknown> {
    const { idempotencyKey } = options
    const headers = idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }
    const reply = await this.#connection.exchange({ ...call, headers }, patience)
    return accepted(reply)
  }
}

export interface CallOptions {
  /** Doing it twice is doing it once. */
  isRepeatable: boolean
  signal?: AbortSignal | undefined
  timeoutMs?: number | undefined
  idempotencyKey?: string
}

function accepted({ status, body, retryAfter }: Reply): unknown {
  const isSuccess = status >= 200 && status < 300
  if (!isSuccess || typeof body !== 'object' || body === null) {
    throw TakoError.fromReply(status, body, retryAfter)
  }
  return body
}

function post(path: string, body: object): Call {
  try {
    return { method: 'POST', path, body: JSON.stringify(body) }
  } catch (cause) {
    throw new TakoError('usage-invalid', `the message is not JSON: ${(cause as Error).message}`, {
      hint: 'data must be what JSON can say: no cycles, no BigInt.',
      cause,
    })
  }
}

/** Bytes travel as base64; `undefined` can't travel at all. */
function wireDraft({ type, data }: Draft): object {
  if (data instanceof Uint8Array) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    return { type, data: bytes.toString('base64'), encoding: 'base64' }
  }
  if (data === undefined || typeof data === 'function' || typeof data === 'symbol') {
    throw new TakoError('usage-invalid', `data of '${type}' is ${typeof data}`, {
      hint: 'JSON has no such value. Publish null for a message without data.',
    })
  }
  return { type, data }
}
