// What the hooks take and give: the public types of this entry.
import type {
  Gap,
  Presence,
  SendOptions,
  Sent,
  SubscriptionStatus,
  Token,
} from '../client/types.js'
import type { TakoError } from '../error.js'
import type { Member, Occupancy, PresenceTypes } from '../presence_types.js'
import type {
  ChannelName,
  MessagesOf,
  NeedsParams,
  ParamsOf,
  PresenceOf,
  TransportOf,
} from '../registry.js'
import type {
  ChannelMessage,
  HistoryPage,
  HistoryQuery,
  OutgoingMessage,
  Transport,
} from '../types.js'

/** Read anew on every render; a changed callback takes effect without a new subscription. */
export interface ChannelCallbacks<Messages> {
  /** Every live message, once, also those that `messages` no longer holds. */
  onMessage?(message: ChannelMessage<Messages>): void
  /**
   * Messages were lost: load the state anew. Those behind the gap are held back until the promise
   * settles; `stop` ends the subscription. Without it delivery goes on and `gap` tells.
   */
  onGap?(gap: Gap): void | 'stop' | Promise<void | 'stop'>
}

interface CommonOptions<Messages> extends ChannelCallbacks<Messages> {
  /** False: no subscription, and `status` is `closed`. True again: goes on where it stopped. */
  enabled?: boolean | undefined
  /** How many messages `messages` holds, the newest. Default 500. */
  limit?: number | undefined
  /** Puts up to so many retained messages before the first live one. Default 0. */
  historyLimit?: number | undefined
  /** The credential of this channel alone; the client's by default. */
  token?: Token | undefined
  /** Start behind this position instead of at the head; `0`: from the oldest that is retained. */
  lastEventId?: string | undefined
  /** As `lastEventId`. */
  lastMessageId?: string | undefined
  /**
   * Begin so many messages earlier than now, or with those as young as `'90s'`, `'5m'`, `'2h'`;
   * `onMessage` hears of them. Without a position.
   */
  rewind?: number | string | undefined
  /** Keep the cursor in this tab's session storage, so that a reload of the page misses nothing. */
  resumeOnReload?: boolean | undefined
  /** Another server than the provider's; the hooks of a page share one client for each. */
  baseUrl?: string | undefined
  /** As `token`; `Bearer ` is put in front unless it is there. */
  authorization?: string | undefined
  /** Only `Authorization` is meaningful: the server takes no other header from a browser. */
  headers?: { readonly Authorization?: string; readonly authorization?: string } | undefined
}

/** A channel that refuses WebSockets must be asked for by `sse`; any other may be. */
type TransportOption<Name extends string> = [TransportOf<Name>] extends ['sse']
  ? { transport: 'sse' }
  : { transport?: Transport | undefined }

type ParamsOption<Name extends string> =
  NeedsParams<Name> extends true
    ? { params: ParamsOf<Name> }
    : { params?: ParamsOf<Name> | undefined }

/** Options of `useChannel`, typed by the channel's name. */
export type UseChannelOptions<Name extends ChannelName = ChannelName> = CommonOptions<
  MessagesOf<Name>
> &
  ParamsOption<Name> &
  TransportOption<Name>

/** The options may be left out when none of them is required. */
export type UseChannelArguments<Name extends ChannelName> =
  Record<never, never> extends UseChannelOptions<Name>
    ? [options?: UseChannelOptions<Name>]
    : [options: UseChannelOptions<Name>]

/** What the server and the client say of a subscription at one moment. */
export interface ChannelState<Messages> {
  /** The newest messages, oldest first; the same array until it changes. */
  readonly messages: readonly ChannelMessage<Messages>[]
  readonly status: SubscriptionStatus
  /** Why the subscription failed or waits, or why `historyLimit` could not be served. */
  readonly error: TakoError | null
  /** The last range of messages that was lost, until `clear()`. */
  readonly gap: Gap | null
  /** Who the app says this is; null when it says nothing, and over `sse`, which does not tell. */
  readonly subject: string | null
  /** False when `messages` begins with the oldest retained message. */
  readonly hasOlder: boolean
}

export interface SendMessage<Messages> {
  /**
   * Publishes to the channel; resolves once the server has stored it.
   * @throws {TakoError} (as a rejection) `queue-full`, `aborted`, or what the server refused it with
   */
  <Type extends keyof Messages & string>(
    type: Type,
    data: Messages[Type],
    options?: SendOptions,
  ): Promise<Sent>
  (message: OutgoingMessage<Messages>, options?: SendOptions): Promise<Sent>
}

/** The functions stay the same while name, params and transport do. */
export interface ChannelActions<Messages> {
  /** Empties `messages` and forgets `gap`; the subscription goes on. */
  clear(): void
  send: SendMessage<Messages>
  /**
   * Puts a page of older messages in front of `messages`, beyond `limit`; how many. While it loads,
   * further calls wait for the same page.
   */
  loadOlder(count?: number): Promise<number>
  /** Retained messages, page by page. */
  history(query?: HistoryQuery): Promise<HistoryPage<Messages>>
  /** Of a failed subscription: tries again. */
  retry(): void
}

export interface UseChannelResult<Messages>
  extends ChannelState<Messages>, ChannelActions<Messages> {}

interface CommonPresenceOptions<Who extends PresenceTypes> {
  /** False: not subscribed, and `status` is `closed`. */
  enabled?: boolean | undefined
  /** false: I am not listed. */
  enter?: boolean | undefined
  /** What I say of myself; said anew when it is another value. */
  data?: Who['data'] | undefined
  token?: Token | undefined
  baseUrl?: string | undefined
}

/** Options of `usePresence`, typed by the channel's name. */
export type UsePresenceOptions<Name extends ChannelName = ChannelName> = CommonPresenceOptions<
  PresenceOf<Name>
> &
  ParamsOption<Name> &
  TransportOption<Name>

export type UsePresenceArguments<Name extends ChannelName> =
  Record<never, never> extends UsePresenceOptions<Name>
    ? [options?: UsePresenceOptions<Name>]
    : [options: UsePresenceOptions<Name>]

type UseOccupancyOptions<Name extends ChannelName> = Omit<UsePresenceOptions<Name>, 'data'>

export type UseOccupancyArguments<Name extends ChannelName> =
  Record<never, never> extends UseOccupancyOptions<Name>
    ? [options?: UseOccupancyOptions<Name>]
    : [options: UseOccupancyOptions<Name>]

/** The functions stay the same while name, params and transport do. */
export interface UsePresenceResult<Who extends PresenceTypes = PresenceTypes> extends Pick<
  Presence<Who>,
  'update' | 'enter' | 'leave'
> {
  /** That of a subscription; `connecting` until the list is there, `off`: the channel has no presence. */
  readonly status: SubscriptionStatus | 'off'
  /** By the time they entered; the same array until it changes. Kept while the connection is away. */
  readonly members: readonly Member<Who>[]
  /** Myself, if I am listed. */
  readonly self: Member<Who> | null
  /** How many members. */
  readonly count: number
  readonly occupancy: Occupancy | null
  /** Why it failed or waits, why I am not listed, or why my last word was refused. */
  readonly error: TakoError | null
}

export interface UseOccupancyResult {
  readonly status: SubscriptionStatus | 'off'
  /** Null: not known, as where the page watches the list of the same channel. */
  readonly connections: number | null
  readonly subjects: number
  readonly error: TakoError | null
}
