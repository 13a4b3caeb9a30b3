// A channel over server-sent events: a stream of its own, read with fetch; messages go by POST.
import { TakoError } from '../error.js'
import type { ChannelMessage } from '../types.js'
import { type ChannelAddress, channelPath } from './address.js'
import { Connection } from './connection.js'
import { type EventBlock, blockReader } from './event_blocks.js'
import { type ClientContext, request } from './http.js'
import { parseJson } from './json.js'
import type { Outgoing, Port, PortEvents, Wishes } from './port.js'
import type { ConnectionStatus, Gap, Token } from './types.js'

/** Silence of so many keepalive intervals is the end of a stream. */
const silenceFactor = 2.5

export class EventStreamPort implements Port {
  /** One after the other, so that they keep their order. */
  readonly window = 1
  readonly connection: Connection
  #abort: AbortController | null = null
  #lastBlockMs = 0
  /** The longest that the stream was quiet before a keepalive: the channel's interval. */
  #intervalMs = 0
  #cancelWatch = () => {}
  #hintMs: number | undefined

  constructor(
    readonly context: ClientContext,
    readonly address: ChannelAddress,
    readonly events: PortEvents,
    readonly token: () => Token | undefined,
    onStatus: (status: ConnectionStatus) => void,
  ) {
    this.connection = new Connection(context.environment, context.backoff, context.timeoutMs, {
      dial: () => events.onUp(), // The feed answers with subscribe().
      hangUp: (error) => {
        this.#hangUp()
        if (error !== null) events.onLost(error)
      },
      onStatus,
    })
  }

  want(): void {
    const { status } = this.connection
    if (status === 'connecting' || status === 'open') this.events.onUp()
    else this.connection.want()
  }

  subscribe(cursor: string | null, token: string | null, more: Wishes): void {
    this.#hangUp()
    const abort = new AbortController()
    this.#abort = abort
    this.#hintMs = undefined
    this.#read(abort, cursor, token, more)
      .catch((cause: unknown) => {
        if (cause instanceof TakoError) return cause
        return new TakoError('connection-failed', 'the stream broke', { cause })
      })
      .then((error) => {
        if (this.#abort !== abort) return
        if (error.retryable) return this.connection.lost(error, error.retryAfterMs ?? this.#hintMs)
        this.events.onRefused(error)
      })
  }

  /** A stream's permission is renewed by the next stream: it ends when the permission does. */
  renew(): void {}

  send({ ref, type, data, idempotencyKey }: Outgoing): void {
    const body = { type, data, idempotencyKey: idempotencyKey ?? undefined }
    request(this.context, channelPath(this.address, '/messages'), this.token(), body).then(
      (answer) => this.events.onSent(ref, (answer as { id?: string }).id ?? null),
      (error: TakoError) => {
        const isUnsure = error.code === 'connection-failed' || error.code === 'timeout'
        this.events.onSendFailed(ref, error, !isUnsure)
      },
    )
  }

  lastHeardMs(): number {
    return Infinity // A message's silence says nothing of the stream: they use different connections.
  }

  drop(error: TakoError): void {
    this.connection.lost(error)
  }

  leave(): void {
    this.connection.release()
  }

  /** `isNetworkNew`: what was open may be dead without a word; a new stream costs little. */
  wake(isNetworkNew: boolean): void {
    if (isNetworkNew && this.connection.status === 'open') {
      this.connection.lost(new TakoError('connection-failed', 'the network changed'))
    }
    this.connection.wake()
  }

  /** Reads to the stream's end; what the end means. */
  async #read(
    abort: AbortController,
    cursor: string | null,
    token: string | null,
    more: Wishes,
  ): Promise<TakoError> {
    const { environment, baseUrl } = this.context
    const path = channelPath(this.address, '', { _events: '1', ...queryOf(more) })
    const response = await environment.fetch(baseUrl + path, {
      headers: {
        accept: 'text/event-stream',
        ...(token === null ? {} : { authorization: token }),
        ...(cursor === null ? {} : { 'last-event-id': cursor }),
      },
      credentials: 'include',
      cache: 'no-store',
      signal: abort.signal,
    })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (!response.ok || !isStream || response.body === null) {
      const answer = parseJson(await response.text())
      return TakoError.fromReply(response.status, answer, response.headers.get('retry-after'))
    }
    let isOpen = false
    const take = blockReader((block) => {
      if (this.#abort !== abort) return // An earlier block was the end of it.
      if (isOpen) this.#onBlock(block)
      else if (block.retry !== undefined) this.#hintMs = block.retry
      else if (block.id !== undefined) {
        isOpen = true
        this.#lastBlockMs = environment.now()
        this.connection.opened()
        this.events.onReady(block.id, null)
      }
    })
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      take(decoder.decode(value, { stream: true }))
    }
    return isOpen
      ? new TakoError('connection-expired', 'the stream ended')
      : // With _events=1 a refusal for now is a stream that has ended.
        new TakoError('unavailable', 'the server asks to come back later')
  }

  #onBlock({ event, data, retry }: EventBlock): void {
    const nowMs = this.context.environment.now()
    if (retry !== undefined) this.#hintMs = retry
    const isKeepalive = event === undefined && data === undefined
    if (isKeepalive) this.#intervalMs = Math.max(this.#intervalMs, nowMs - this.#lastBlockMs)
    this.#lastBlockMs = nowMs
    this.#watch()
    if (data === undefined) return
    const value = parseJson(data)
    if (typeof value !== 'object' || value === null) {
      const options = { retryable: true, hint: 'Check what stands between this page and the edge.' }
      const text = 'the server sent an event that is no message'
      return this.connection.lost(new TakoError('answer-malformed', text, options))
    }
    if (event === 'tako.gap') this.events.onGap(value as Gap)
    else if (event === 'tako.presence' || event === 'tako.occupancy') {
      this.events.onPresence(event, value)
    } else if (event === undefined) this.events.onMessage(value as ChannelMessage)
  }

  /** Once the interval is known, a stream that lacks keepalives is taken for dead. */
  #watch(): void {
    this.#cancelWatch()
    if (this.#intervalMs === 0) return
    const limitMs = Math.max(1_000, this.#intervalMs * silenceFactor)
    this.#cancelWatch = this.context.environment.setTimer(() => {
      this.connection.lost(new TakoError('timeout', `nothing came for ${limitMs} ms`))
    }, limitMs)
  }

  #hangUp(): void {
    this.#cancelWatch()
    this.#abort?.abort()
    this.#abort = null
  }
}

/** The wishes of a subscription as a URL says them (docs/protocol.md section 5). */
function queryOf({ rewind, presence, presenceEnter, presenceData, presenceVersion }: Wishes) {
  const query: Record<string, string> = {}
  if (rewind !== undefined) query._rewind = String(rewind)
  if (presence !== undefined) query._presence = presence === true ? 'list' : 'counts'
  if (presenceEnter === false) query._presence_enter = '0'
  if (presenceData !== undefined) query._presence_data = JSON.stringify(presenceData)
  if (presenceVersion !== undefined) query._presence_version = String(presenceVersion)
  return query
}
