// The client's public contract: connection, subscription, and what can happen to them.
import type { TakoError } from '../error.js'
import type { ChannelMessage, HistoryPage, HistoryQuery, Transport } from '../types.js'

/**
 * Where a connection is:
 * - `idle`: nothing is subscribed.
 * - `connecting`: an attempt is under way.
 * - `open`: frames flow.
 * - `waiting`: it was lost or refused; the next attempt comes after a back-off, or at once when the
 *   page is shown or the network returns.
 * - `closed`: by its owner.
 */
export type ConnectionStatus = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed'

/**
 * Where a subscription is:
 * - `connecting`: not yet authorized.
 * - `open`: authorized and live.
 * - `waiting`: was open or was refused for now; it goes on at its cursor.
 * - `failed`: refused for good; `error` says why. Nothing is retried until `retry()`.
 * - `closed`: by its owner.
 */
export type SubscriptionStatus = 'connecting' | 'open' | 'waiting' | 'failed' | 'closed'

/** A range of messages that can't be had any more (docs/protocol.md section 2). */
export interface Gap {
  /** The last position seen; null when none was. */
  readonly from: string | null
  /** Delivery goes on behind it. */
  readonly to: string
  readonly reason: 'window-passed' | 'history-lost' | 'ahead-of-head' | 'conflated' | (string & {})
}

/** A credential, or how to get one. A function is asked anew for every attempt and renewal. */
export type Token = string | null | (() => string | null | Promise<string | null>)

export interface SubscribeOptions<Messages> {
  /** `ws` (default) shares one WebSocket with the page's other channels; `sse` is a stream of its own. */
  transport?: Transport
  token?: Token
  /** Start behind this position instead of at the head; `0`: from the oldest that is retained. */
  lastEventId?: string
  /** Keep the cursor in this tab's session storage, so that a reload of the page misses nothing. */
  resumeOnReload?: boolean
  onMessage?(message: ChannelMessage<Messages>): void
  onStatus?(status: SubscriptionStatus, error: TakoError | null): void
  /**
   * Messages were lost: load the state anew. Those behind the gap are held back until the promise
   * settles, so that they apply to the new state. `stop` ends the subscription.
   */
  onGap?(gap: Gap): void | 'stop' | Promise<void | 'stop'>
}

export interface SendOptions {
  /** A resend with the same key is delivered once. One is made when none is given. */
  idempotencyKey?: string
  /** false: the acknowledgement is the message's delivery; `onMessage` does not get it. */
  echo?: boolean
}

/** What the server says of a message that was sent; `id` is null for ephemeral ones. */
export interface Sent {
  readonly id: string | null
}

export interface Subscription<Messages> {
  readonly channel: string
  readonly status: SubscriptionStatus
  /** Why it failed, or why it waits. */
  readonly error: TakoError | null
  /** The last position seen; null before the first answer. */
  readonly cursor: string | null
  /** Who the app says this is; null when it says nothing. */
  readonly subject: string | null
  /**
   * Publishes to the channel, if the definition's handlers name the type. Queued while there is no
   * connection, within a bound.
   * @throws {TakoError} (as a rejection) `queue-full`, `aborted`, or what the server refused it with
   */
  send<Type extends keyof Messages & string>(
    type: Type,
    data: Messages[Type],
    options?: SendOptions,
  ): Promise<Sent>
  /** Retained messages, page by page. */
  history(query?: HistoryQuery): Promise<HistoryPage<Messages>>
  /** Of a failed one: tries again from its cursor. */
  retry(): void
  close(): void
}

export interface ClientOptions {
  /** Where the edge is; the page's own origin by default. */
  baseUrl?: string
  token?: Token
  /** First and longest delay between attempts; full jitter: each is random between 0 and the bound. */
  backoff?: { firstMs?: number; maxMs?: number }
  /** Messages that may wait for a connection, each subscription; more are refused. Default 100. */
  queueMax?: number
  /** No answer to an attempt or a message in this time is a failure. Default 10,000. */
  timeoutMs?: number
  /** One connection for all tabs of this origin. Default false. */
  shareTabs?: boolean
  fetch?: typeof globalThis.fetch
  WebSocket?: typeof globalThis.WebSocket
}
