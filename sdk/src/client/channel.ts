// Channel: the class of the original SDK, over the client of this one. New code uses `createClient`.
import type { ChannelMessage, Params, Transport } from '../types.js'
import { channelAddress, channelPath } from './address.js'
import { type TakoClient, createClient } from './client.js'
import { configuredOptions, defaultClient } from './default_client.js'
import type { SubscribeOptions, Subscription } from './types.js'

interface CommonOptions {
  baseUrl?: string
  /** Only Authorization reaches a WebSocket: browsers set no other header there. */
  headers?: Record<string, string>
  /** A token, with or without `Bearer `. headers.Authorization goes before it. */
  authorization?: string
}

export interface ChannelSubscribeOptions extends CommonOptions {
  lastEventId?: string
  /** Makes the stream in place of this SDK, which then neither resumes nor retries. */
  eventSourceFactory?: (url: string, init: { headers: Record<string, string> }) => EventTarget
}

export interface ChannelConnectOptions extends CommonOptions {
  lastMessageId?: string
  /** Makes the sockets; the protocol `tako.v1` must be passed on. */
  webSocketFactory?: (url: string, protocol?: string | string[]) => WebSocket
}

export interface ChannelStream {
  readonly transport: 'sse'
  /** Tells `open`, `message` (a MessageEvent with JSON text), `error`. */
  readonly raw: EventTarget
  close(): void
}

export interface ChannelSocket {
  readonly transport: 'ws'
  /** Tells `open`, `message` (a MessageEvent with JSON text), `error`, `close`. */
  readonly raw: EventTarget
  close(code?: number, reason?: string): void
  /** A message `{type, data}`. A refusal is an `error` event on `raw`. */
  send(message: unknown): void
}

type Raw = EventTarget & Record<`on${string}`, ((event: Event) => void) | null | undefined>

/** A channel by name: `new Channel('chat', 'ws', { roomId: '42' })`. */
export class Channel {
  constructor(
    readonly name: string,
    readonly transport: Transport = 'ws',
    readonly params?: Params,
  ) {}

  /** Messages over server-sent events; reconnects and resumes by itself. */
  subscribe(options: ChannelSubscribeOptions = {}): ChannelStream {
    const { eventSourceFactory, lastEventId, headers = {} } = options
    if (eventSourceFactory) {
      const path = channelPath(channelAddress(this.name, this.params), '')
      const base = options.baseUrl ?? globalThis.location?.origin ?? ''
      const raw = eventSourceFactory(base.replace(/\/+$/, '') + path, { headers })
      return { transport: 'sse', raw, close: () => (raw as EventTarget & Closable).close?.() }
    }
    const { raw, close } = this.#open('sse', options, lastEventId)
    return { transport: 'sse', raw, close }
  }

  /** Messages both ways over a WebSocket; reconnects and resumes by itself. */
  connect(options: ChannelConnectOptions = {}): ChannelSocket {
    const { raw, close, subscription } = this.#open('ws', options, options.lastMessageId)
    const send = (message: unknown) => {
      const { type, data } = (message ?? {}) as { type?: unknown; data?: unknown }
      subscription.send(String(type ?? ''), data).catch((error: unknown) => {
        emit(raw, Object.assign(new Event('error'), { error }))
      })
    }
    return { transport: 'ws', raw, close, send }
  }

  #open(transport: Transport, options: ChannelConnectOptions, lastEventId?: string) {
    const raw = new EventTarget() as Raw
    const { client, isOwn } = clientFor(options)
    const token = tokenOf(options)
    const subscribeOptions: SubscribeOptions<Record<string, unknown>> = {
      transport,
      ...(token === undefined ? {} : { token }),
      ...(lastEventId === undefined ? {} : { lastEventId }),
      onMessage: (message: ChannelMessage) => {
        const init = { data: JSON.stringify(message), lastEventId: message.id ?? '' }
        emit(raw, new MessageEvent('message', init))
      },
      onStatus: (status, error) => {
        if (status === 'open') emit(raw, new Event('open'))
        if (error !== null) emit(raw, Object.assign(new Event('error'), { error }))
        if (status !== 'failed' && status !== 'closed') return
        const { code, reason } = { ...asked, ...(error && { code: 4000, reason: error.code }) }
        emit(raw, Object.assign(new Event('close'), { code, reason }))
      },
    }
    let asked = { code: 1000, reason: '' }
    const subscription: Subscription<Record<string, unknown>> = client.subscribe(
      this.name,
      this.params,
      subscribeOptions,
    )
    const close = (code = 1000, reason = '') => {
      asked = { code, reason }
      subscription.close()
      if (isOwn) client.close()
    }
    return { raw, close, subscription }
  }
}

interface Closable {
  close?(): void
}

/** Its own client for what the page's default can't do. */
function clientFor(options: ChannelConnectOptions): { client: TakoClient; isOwn: boolean } {
  const { baseUrl, headers, webSocketFactory } = options
  if (!baseUrl && !headers && !webSocketFactory) return { client: defaultClient(), isOwn: false }
  const configured = configuredOptions()
  const fetch = configured.fetch ?? globalThis.fetch
  const client = createClient({
    ...configured,
    ...(baseUrl && { baseUrl }),
    ...(headers && {
      fetch: (url, init) => fetch(url, { ...init, headers: mergeHeaders(headers, init?.headers) }),
    }),
    ...(webSocketFactory && {
      // Called with `new`, which gives what the function returns.
      WebSocket: function (url: string, protocol: string) {
        return webSocketFactory(url, protocol)
      } as unknown as typeof WebSocket,
    }),
  })
  return { client, isOwn: true }
}

/** Names in any case; one value each: two of `Last-Event-ID` would be joined to one that is none. */
function mergeHeaders(given: HeadersInit, ours: HeadersInit = {}): Headers {
  const merged = new Headers(given)
  new Headers(ours).forEach((value, name) => merged.set(name, value))
  return merged
}

function tokenOf({ headers = {}, authorization }: CommonOptions): string | undefined {
  const name = Object.keys(headers).find((header) => header.toLowerCase() === 'authorization')
  if (name !== undefined) return headers[name]
  if (authorization === undefined || /^bearer /i.test(authorization)) return authorization
  return `Bearer ${authorization}`
}

/** To listeners, and to the property that some set instead: `raw.onmessage = …`. */
function emit(raw: Raw, event: Event): void {
  raw.dispatchEvent(event)
  raw[`on${event.type}`]?.(event)
}
