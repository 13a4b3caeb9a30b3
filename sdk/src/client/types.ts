// The client's public contract: connection, subscription, and what can happen to them.
import type { TakoError } from '../error.js'
import type { LeaveReason, Member, Occupancy, PresenceTypes } from '../presence_types.js'
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

/** What a subscription has to do with who is there. */
export interface PresenceOptions<Who extends PresenceTypes = PresenceTypes> {
  /** `list` (default): be told who is there; `counts`: only how many. */
  watch?: 'list' | 'counts'
  /** false: I am not listed until `enter()`. Without it I am, if I have a subject and the right. */
  enter?: boolean
  /** What I say of myself: JSON, within the definition's `dataBytesMax`. */
  data?: Who['data']
}

/** One change of who is there; `present`: was there when the list came. */
export type PresenceChange<Who extends PresenceTypes = PresenceTypes> =
  | { readonly action: 'present' | 'enter' | 'update'; readonly member: Member<Who> }
  | { readonly action: 'leave'; readonly member: Member<Who>; readonly reason?: LeaveReason }

/** Who is in a channel, and what I say of myself there. The page's subscriptions to it share one. */
export interface Presence<Who extends PresenceTypes = PresenceTypes> {
  /** What the server tells: the list, counts alone, nothing (`off`); null: not known yet. */
  readonly kind: 'list' | 'counts' | 'off' | null
  /** By the time they entered; the same array until it changes. Kept while there is no connection. */
  readonly members: readonly Member<Who>[]
  /** Myself, if I am listed. */
  readonly self: Member<Who> | null
  readonly occupancy: Occupancy | null
  /** Why I am not listed, or why my last word was refused. */
  readonly error: TakoError | null
  /**
   * Says new data; said again after every reconnect. Of several words in a row the last one counts.
   * @throws {TakoError} (as a rejection) `payload-too-large`, `forbidden`, `presence-off`, …
   */
  update(data: Who['data']): Promise<void>
  /** Lists me. @throws {TakoError} (as a rejection) `presence-full`, … */
  enter(data?: Who['data']): Promise<void>
  /** Takes me off, while I go on listening; unless another subscription of this page has entered. */
  leave(): Promise<void>
}

export interface SubscribeOptions<Messages, Who extends PresenceTypes = PresenceTypes> {
  /** `ws` (default) shares one WebSocket with the page's other channels; `sse` is a stream of its own. */
  transport?: Transport
  token?: Token
  /** Start behind this position instead of at the head; `0`: from the oldest that is retained. */
  lastEventId?: string
  /**
   * Without a position: start so many messages earlier than now, or at those as young as `'90s'`,
   * `'5m'`, `'2h'`; at the oldest retained if that is less.
   */
  rewind?: number | string
  /** Who is there; `'counts'`: only how many. The definition must have `presence`. */
  presence?: true | 'counts' | PresenceOptions<Who>
  /** Keep the cursor in this tab's session storage, so that a reload of the page misses nothing. */
  resumeOnReload?: boolean
  onMessage?(message: ChannelMessage<Messages>): void
  /** Who came, changed and went, all of one moment in one call; none: something else changed. */
  onPresence?(changes: readonly PresenceChange<Who>[], presence: Presence<Who>): void
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

export interface Subscription<Messages, Who extends PresenceTypes = PresenceTypes> {
  readonly channel: string
  readonly status: SubscriptionStatus
  /** Why it failed, or why it waits. */
  readonly error: TakoError | null
  /** The last position seen; null before the first answer. */
  readonly cursor: string | null
  /** Who the app says this is; null when it says nothing. */
  readonly subject: string | null
  /** Null unless the option `presence` asked for it. */
  readonly presence: Presence<Who> | null
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
  /**
   * The messages in front of those that `onMessage` and earlier calls have given, ascending, without
   * a gap or a repeat at the seam; none at the beginning. Once it is open.
   */
  older(limit?: number): Promise<ChannelMessage<Messages>[]>
  /** False when `older()` has reached the beginning. */
  readonly hasOlder: boolean
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
