// The words that every entry of this package shares: messages, params, and a channel's type.

import type { PresenceTypes } from './presence_types.js'

/** A value that JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** Message types of a channel and the data of each: `{ msg: { text: string } }`. */
export type MessageTypes = Record<string, unknown>

/** Params of a channel, as its schema types them. */
export type Params = Record<string, unknown>

export type Transport = 'ws' | 'sse'

/**
 * One message as it is stored and delivered (docs/protocol.md section 2). A union over the types, so
 * that `if (message.type === 'msg')` narrows `data`.
 */
export type ChannelMessage<Messages = MessageTypes> = {
  [Type in keyof Messages & string]: {
    /** The message's position, opaque. Ephemeral messages have none. */
    readonly id?: string
    /** The channel's name, without its params. */
    readonly channel: string
    readonly type: Type
    readonly data: Messages[Type]
    /** Who published it, when a client did; as the app's auth said. */
    readonly subject?: string
    /** `base64`: data was published as bytes. */
    readonly encoding?: 'base64'
  }
}[keyof Messages & string]

/** What a type and its data look like to a publisher. */
export type OutgoingMessage<Messages = MessageTypes> = {
  [Type in keyof Messages & string]: { readonly type: Type; readonly data: Messages[Type] }
}[keyof Messages & string]

/** All that a definition says to the type system. */
export interface ChannelShape {
  params: unknown
  messages: unknown
  transport: Transport
  presence: PresenceTypes
}

/** One page of a channel's retained messages. */
export interface HistoryPage<Messages = MessageTypes> {
  readonly messages: ChannelMessage<Messages>[]
  /** The cursor for `after` of the following page; null at the end. */
  readonly next: string | null
  /** The cursor for `before` of the preceding page; null at the beginning. */
  readonly prev: string | null
}

/** Which page: behind a cursor, before one, or the newest. Times are ms since 1970. */
export interface HistoryQuery {
  after?: string
  before?: string
  /** As `before`, with this message itself. */
  until?: string
  limit?: number
  from?: number
  to?: number
}
