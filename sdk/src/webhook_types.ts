// What the server tells the app of its channels (docs/protocol.md section 8).
import type { LeaveReason } from './presence_types.js'
import type { Params } from './types.js'

/** What a definition's `webhooks` may name. */
export type WebhookType = 'channel-occupied' | 'channel-vacated' | 'member-entered' | 'member-left'

interface Common {
  /** The same event again has the same id. */
  readonly id: string
  /** When it happened, ms since 1970. */
  readonly at: number
}

interface OnChannel extends Common {
  /** The channel's name, without its params. */
  readonly channel: string
  readonly params: Params
  /** Name and params as one text: `chat?roomId=42`. */
  readonly key: string
}

/** The first client came; the last one went. */
export interface OccupancyEvent extends OnChannel {
  readonly type: 'channel-occupied' | 'channel-vacated'
}

export interface MemberEnteredEvent extends OnChannel {
  readonly type: 'member-entered'
  readonly subject: string
  /** What `verify` said of them. */
  readonly info?: unknown
  /** What they said of themselves. */
  readonly data?: unknown
}

export interface MemberLeftEvent extends OnChannel {
  readonly type: 'member-left'
  readonly subject: string
  readonly reason: LeaveReason
}

/** So many events in front of the next one could not be kept: read the present state anew. */
export interface EventsLostEvent extends Common {
  readonly type: 'events-lost'
  readonly count: number
}

export type WebhookEvent = OccupancyEvent | MemberEnteredEvent | MemberLeftEvent | EventsLostEvent
