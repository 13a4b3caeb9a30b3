// The words of presence that the app, the client and the hooks share (docs/protocol.md section 5).

/** What is known of a channel's members: `info` by the app, `data` by themselves. */
export interface PresenceTypes {
  info: unknown
  data: unknown
}

/** Someone who is in a channel, over one or more connections. */
export interface Member<Who extends PresenceTypes = PresenceTypes> {
  /** Who the app's auth says this is. */
  readonly subject: string
  /** What the app's auth says of them (`presence` of its grant); clients can't forge it. */
  readonly info?: Who['info']
  /** What they last said of themselves. */
  readonly data?: Who['data']
  /** When they entered, ms since 1970. */
  readonly since: number
}

/** How many are there: connections, listed or not, and members. */
export interface Occupancy {
  readonly connections: number
  readonly subjects: number
}

/**
 * Why a member left: they said goodbye, did not come back within the grace window, their permission
 * ended, or it was taken back.
 */
export type LeaveReason = 'left' | 'lost' | 'expired' | 'revoked' | (string & {})

/** One page of a channel's members, by subject. */
export interface PresencePage<Who extends PresenceTypes = PresenceTypes> extends Occupancy {
  /** Of the whole list, opaque. */
  readonly version: string
  readonly members: Member<Who>[]
  /** For `after` of the following page; null at the end. */
  readonly next: string | null
}

export interface PresenceQuery {
  /** A subject: those behind it. */
  after?: string
  /** At most 1,000. Default 100. */
  limit?: number
}
