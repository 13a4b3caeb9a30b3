// The page's one WebSocket: many channels over the rich dialect (docs/protocol.md section 4).
import { TakoError, type TakoErrorOptions } from '../error.js'
import type { ChannelMessage } from '../types.js'
import type { ChannelAddress } from './address.js'
import { Connection } from './connection.js'
import type { ClientContext } from './http.js'
import { parseJson } from './json.js'
import { nextRef } from './outbox.js'
import type { Outgoing, Port, PortEvents, Wishes } from './port.js'
import type { ConnectionStatus, Gap } from './types.js'
import { WebSocketPort } from './websocket_port.js'

/** With nothing subscribed it stays so long, for the next page of the app; the server waits 10 s. */
const lingerMs = 2_000
/** A woken connection that was silent so long is asked for a sign of life. */
const suspectMs = 5_000
type Frame = Record<string, unknown> & { type: string }

export class WebSocketHub {
  readonly connection: Connection
  lastHeardMs = 0
  #socket: WebSocket | null = null
  /** When to come back, as the server said before it closed. */
  #hintMs: number | undefined
  #cancelLinger = () => {}
  readonly #ports = new Set<WebSocketPort>()
  readonly #byRef = new Map<unknown, WebSocketPort>()
  readonly #byKey = new Map<unknown, WebSocketPort>()
  /** Messages without their answer: whose, and how long. */
  readonly #sends = new Map<unknown, { port: WebSocketPort; length: number }>()

  constructor(
    readonly context: ClientContext,
    onStatus: (status: ConnectionStatus) => void,
  ) {
    this.connection = new Connection(context.environment, context.backoff, context.timeoutMs, {
      dial: () => this.#dial(),
      hangUp: (error) => this.#hangUp(error),
      onStatus: (status) => {
        onStatus(status)
        if (status === 'open') for (const port of [...this.#ports]) port.events.onUp()
      },
    })
  }

  port(address: ChannelAddress, events: PortEvents): Port {
    return new WebSocketPort(this, address, events)
  }

  want(port: WebSocketPort): void {
    this.#cancelLinger()
    this.#ports.add(port)
    if (this.connection.status === 'open') port.events.onUp()
    else this.connection.want()
  }

  leave(port: WebSocketPort): void {
    this.#unsubscribe(port)
    this.#ports.delete(port)
    if (this.#ports.size > 0) return
    this.#cancelLinger()
    const { setTimer } = this.context.environment
    if (this.connection.status !== 'open') this.connection.release()
    else this.#cancelLinger = setTimer(() => this.connection.release(), lingerMs)
  }

  subscribe(
    port: WebSocketPort,
    lastMessageId: string | null,
    token: string | null,
    more: Wishes,
  ): void {
    this.#unsubscribe(port)
    port.ref = nextRef()
    this.#byRef.set(port.ref, port)
    const { name, params } = port.address
    const data = {
      channel: name,
      params,
      token: token ?? undefined,
      lastMessageId: lastMessageId ?? undefined,
      ...more,
    }
    this.write({ type: 'tako.subscribe', data, ref: port.ref })
  }

  send(port: WebSocketPort, message: Outgoing): void {
    const { ref } = message
    const echo = message.echo ? undefined : false
    const idempotencyKey = message.idempotencyKey ?? undefined
    const length = this.write({ ...message, key: port.key, echo, idempotencyKey })
    this.#sends.set(ref, { port, length })
  }

  /** Members that are undefined stay out. The result: the frame's length in UTF-16 units. */
  write(frame: object): number {
    const text = JSON.stringify(frame)
    if (this.connection.status === 'open') this.#socket?.send(text)
    return text.length
  }

  /**
   * The page was woken or the network came back: no more waiting. An open connection that was silent is
   * asked something whose answer is known, since a browser shows no pings: an unsubscribe of nothing.
   */
  wake(): void {
    this.connection.wake()
    const { environment, timeoutMs } = this.context
    const askedMs = environment.now()
    if (this.connection.status !== 'open' || askedMs - this.lastHeardMs < suspectMs) return
    const socket = this.#socket
    this.write({ type: 'tako.unsubscribe', data: { key: '' }, ref: nextRef() })
    environment.setTimer(() => {
      if (socket !== this.#socket || this.lastHeardMs >= askedMs) return
      this.connection.lost(new TakoError('timeout', 'the connection gives no sign of life'))
    }, timeoutMs)
  }

  close(): void {
    this.#cancelLinger()
    this.connection.close()
  }

  #dial(): void {
    const WebSocket = this.context.environment.WebSocket
    if (WebSocket === undefined) {
      const hint = 'Give createClient a WebSocket, such as that of the package `ws`.'
      const error = new TakoError('usage-invalid', 'there is no WebSocket here', { hint })
      for (const port of [...this.#ports]) port.events.onRefused(error)
      return this.connection.release()
    }
    const url = `${this.context.baseUrl.replace(/^http/, 'ws')}/_tako/channels`
    const socket = new WebSocket(url, 'tako.v1')
    this.#socket = socket
    this.#hintMs = undefined
    const isMine = () => socket === this.#socket
    const hear = () => (this.lastHeardMs = this.context.environment.now())
    socket.onopen = () => {
      if (!isMine()) return
      hear()
      this.connection.opened()
    }
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!isMine()) return
      hear()
      this.#onFrame(data)
    }
    socket.onclose = ({ code, reason }) => {
      if (isMine()) this.#onClose(code, reason)
    }
    socket.onerror = () => {} // A close follows, and says more.
  }

  #hangUp(error: TakoError | null): void {
    const socket = this.#socket
    this.#socket = null
    // 0, 1: connecting, open. 1000 is a goodbye; after anything else presence waits for the return.
    if (socket !== null && socket.readyState < 2) socket.close(error === null ? 1000 : 3000)
    const lost = error ?? new TakoError('aborted', 'the connection was ended')
    this.#byRef.clear()
    this.#byKey.clear()
    const sends = [...this.#sends]
    this.#sends.clear()
    for (const port of this.#ports) port.key = port.ref = null
    for (const [ref, { port }] of sends) port.events.onSendFailed(ref as number, lost, false)
    for (const port of [...this.#ports]) port.events.onLost(lost)
  }

  /** The server's close is about its one subscription, when it is final and there is just one. */
  #onClose(code: number, reason: string): void {
    const error = TakoError.fromClose(code, reason)
    const isFinal = !error.retryable && code >= 4000
    const [port] = this.#ports
    const isAboutPort = isFinal && this.#ports.size === 1 && port?.key != null
    if (code === 1009) this.#refuseBiggest()
    // What can't be pinned on one subscription must not end all: they come back, with a back-off.
    this.connection.lost(
      isFinal ? new TakoError('connection-failed', error.message, { cause: error }) : error,
      this.#hintMs,
    )
    if (isAboutPort) port.events.onRefused(error)
  }

  /** A message above the server's bound ends the connection: it must not go again. */
  #refuseBiggest(): void {
    const sends = [...this.#sends].sort(([, a], [, b]) => b.length - a.length)
    if (sends[0] === undefined) return
    const [ref, { port }] = sends[0]
    this.#sends.delete(ref)
    const text = 'the message is bigger than the server takes'
    const hint = 'Send less data, or raise client_message_bytes_max of the edge.'
    port.events.onSendFailed(ref as number, new TakoError('message-too-big', text, { hint }), true)
  }

  #unsubscribe(port: WebSocketPort): void {
    if (port.ref !== null) this.#byRef.delete(port.ref)
    if (port.key !== null && this.#byKey.get(port.key) === port) {
      this.#byKey.delete(port.key)
      this.write({ type: 'tako.unsubscribe', data: { key: port.key } })
    }
    port.key = port.ref = null
  }

  #onFrame(text: unknown): void {
    const frame = typeof text === 'string' ? parseJson(text) : undefined
    if (!isFrame(frame)) {
      const hint = 'Check what stands between this page and the edge.'
      const error = new TakoError('answer-malformed', 'the server sent a frame that is none', {
        hint,
        retryable: true,
      })
      return this.connection.lost(error)
    }
    if (frame.type.startsWith('tako.')) return this.#onControl(frame)
    const { key, ...message } = frame
    this.#byKey.get(key)?.events.onMessage(message as unknown as ChannelMessage)
  }

  #onControl({ type, key, data }: Frame): void {
    const fields = (typeof data === 'object' && data !== null ? data : {}) as Frame
    const { ref } = fields
    const port = this.#byKey.get(key)
    switch (type) {
      case 'tako.ready':
        return this.#onReady(key, fields)
      case 'tako.gap':
        return port?.events.onGap(fields as unknown as Gap)
      case 'tako.presence':
      case 'tako.occupancy':
        return port?.events.onPresence(type, fields)
      case 'tako.reauth':
        return port?.events.onRenewalDue()
      case 'tako.drain':
        this.#hintMs = Number(fields.retryMs) || 0
        return
      case 'tako.ack': {
        const sender = this.#sends.get(ref)
        this.#sends.delete(ref)
        return sender?.port.events.onSent(ref as number, (fields.id as string | null) ?? null)
      }
      case 'tako.error':
        return this.#onError(ref, key, toError(fields))
    } // Others are of a newer server.
  }

  #onReady(key: unknown, { ref, id, subject, presence }: Frame): void {
    const port = this.#byRef.get(ref)
    this.#byRef.delete(ref)
    if (port === undefined) {
      // Nobody waits for it any more.
      if (!this.#byKey.has(key)) this.write({ type: 'tako.unsubscribe', data: { key } })
      return
    }
    port.key = String(key)
    this.#byKey.set(key, port)
    port.events.onReady(String(id), typeof subject === 'string' ? subject : null)
    port.events.onPresence('kind', presence)
  }

  #onError(ref: unknown, key: unknown, error: TakoError): void {
    const sender = this.#sends.get(ref)
    if (sender !== undefined) {
      this.#sends.delete(ref)
      return sender.port.events.onSendFailed(ref as number, error, true)
    }
    const asker = this.#byRef.get(ref)
    if (asker !== undefined) {
      this.#byRef.delete(ref)
      const other = this.#byKey.get(key)
      if (error.code !== 'subscription-exists') return asker.events.onRefused(error)
      if (other !== undefined) return asker.events.onJoined(other.events)
      // Another that is about to be ready, or to be ended: it will be clear the next time.
      return asker.events.onRefused(new TakoError(error.code, error.message, { retryable: true }))
    }
    const ended = this.#byKey.get(key)
    // What it says of itself is refused, and it stands on.
    if (/^p(resence|ayload)-/.test(error.code)) return ended?.events.onPresence('tako.error', error)
    if (ended === undefined || ref !== undefined) return
    this.#byKey.delete(key)
    ended.key = null
    ended.events.onRefused(error)
  }
}

function isFrame(value: unknown): value is Frame {
  return typeof (value as Frame | null | undefined)?.type === 'string'
}

function toError({ code, message, hint, retryable, retryAfterMs }: Frame): TakoError {
  const options: TakoErrorOptions = { hint: String(hint ?? '') }
  if (typeof retryAfterMs === 'number') options.retryAfterMs = retryAfterMs
  if (typeof retryable === 'boolean') options.retryable = retryable
  return new TakoError(String(code), String(message ?? code), options)
}
