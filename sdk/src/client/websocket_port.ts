// WebSocketPort: a channel's part of the page's one WebSocket.
import type { TakoError } from '../error.js'
import type { ChannelAddress } from './address.js'
import type { Outgoing, Port, PortEvents, Wishes } from './port.js'
import type { WebSocketHub } from './websocket.js'

/** Of the server's 64 unanswered messages a connection; more channels than four are told to wait. */
const window = 16

export class WebSocketPort implements Port {
  readonly window = window
  /** Of the tako.subscribe that waits for its answer. */
  ref: number | null = null
  /** The server's name for the subscription. */
  key: string | null = null

  constructor(
    readonly hub: WebSocketHub,
    readonly address: ChannelAddress,
    readonly events: PortEvents,
  ) {}

  want(): void {
    this.hub.want(this)
  }

  subscribe(cursor: string | null, token: string | null, more: Wishes): void {
    this.hub.subscribe(this, cursor, token, more)
  }

  renew(token: string): void {
    this.hub.write({ type: 'tako.auth', token, key: this.key })
  }

  send(message: Outgoing): void {
    this.hub.send(this, message)
  }

  lastHeardMs(): number {
    return this.hub.lastHeardMs
  }

  drop(error: TakoError): void {
    this.hub.connection.lost(error)
  }

  leave(): void {
    this.hub.leave(this)
  }
}
