// Port: the seam between a feed (what a channel's subscribers need) and a transport (how bytes move).
import type { TakoError } from '../error.js'
import type { ChannelMessage } from '../types.js'
import type { Gap } from './types.js'

/** A message on its way to the server. */
export interface Outgoing {
  /** Names it in the answer; unique in a client. */
  readonly ref: number
  readonly type: string
  readonly data: unknown
  readonly idempotencyKey: string | null
  readonly echo: boolean
}

/** Members of `tako.subscribe`, as docs/protocol.md names them; undefined ones are left out. */
export type Wishes = Readonly<Record<string, unknown>>

export interface Port {
  /** Messages that may be on their way at once. */
  readonly window: number
  /** Asks for a transport; `onUp()` comes when there is one, perhaps at once. */
  want(): void
  /**
   * Subscribes behind `cursor` (null: at the head), in place of an earlier subscription; `more` are
   * further members of `tako.subscribe`.
   */
  subscribe(cursor: string | null, token: string | null, more: Wishes): void
  /** A new credential for what is subscribed. */
  renew(token: string): void
  /** Only between `onReady()` and its end; `onSent()` or `onSendFailed()` answers. */
  send(message: Outgoing): void
  /** Monotonic ms of the last sign of life from the server. */
  lastHeardMs(): number
  /** Gives a transport up that seems dead; `onLost()` follows. */
  drop(error: TakoError): void
  /** Ends the subscription, and with the last one the transport. */
  leave(): void
}

/** What a transport tells of one subscription. */
export interface PortEvents {
  onUp(): void
  /** It stands, behind `id`; `key` is the server's, when the transport knows it. */
  onReady(id: string, subject: string | null): void
  onMessage(message: ChannelMessage): void
  onGap(gap: Gap): void
  /** `tako.presence`, `tako.occupancy`, a refusal of it (`tako.error`), or what is to be had (`kind`). */
  onPresence(type: string, data: unknown): void
  /** The permission ends soon. */
  onRenewalDue(): void
  /** The transport broke, or never came to be; `onUp()` comes by itself. */
  onLost(error: TakoError): void
  /** The server refused or ended this subscription; the transport stays. */
  onRefused(error: TakoError): void
  /** The server's channel is the one that this other feed has already. */
  onJoined(other: PortEvents): void
  onSent(ref: number, id: string | null): void
  /** `wasReceived` false: the transport broke before the server answered. */
  onSendFailed(ref: number, error: TakoError, wasReceived: boolean): void
}
