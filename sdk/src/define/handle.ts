// A handle: one channel with its params, to publish to and to read.
import {
  Channel,
  type ChannelConnectOptions,
  type ChannelSocket,
  type ChannelStream,
  type ChannelSubscribeOptions,
} from '../client/channel.js'
import { TakoError } from '../error.js'
import type { PresencePage, PresenceQuery, PresenceTypes } from '../presence_types.js'
import type { BatchOptions, Disconnected, PublishOptions } from '../publish/api.js'
import { currentApi } from '../publish/current.js'
import { type Target, keyOf } from '../publish/target.js'
import type { ChannelMessage, HistoryPage, HistoryQuery, OutgoingMessage } from '../types.js'

/** A stored message, and what its storing holds against (docs/protocol.md section 9). */
export type StoredMessage<Messages> = ChannelMessage<Messages> & {
  readonly ack?: 'synced' | 'written' | 'memory'
}

export interface ChannelHandle<Messages, Who extends PresenceTypes = PresenceTypes> {
  /** Name and params, for logs: `chat?roomId=42`. */
  readonly name: string
  /**
   * Publishes one message; resolves with it as stored, before anyone receives it.
   * @throws {TakoError} as a rejection; `retryable` says whether the same call may succeed later
   */
  publish(
    message: OutgoingMessage<Messages>,
    options?: PublishOptions,
  ): Promise<StoredMessage<Messages>>
  /**
   * Publishes up to 1,000 messages: all or none, delivered together.
   * @throws {TakoError} as a rejection; then none was published, or, when `retryable`, all may be
   */
  batch(
    messages: readonly OutgoingMessage<Messages>[],
    options?: BatchOptions,
  ): Promise<StoredMessage<Messages>[]>
  /** One page of the retained messages, ascending; the newest when nothing is asked. */
  history(query?: HistoryQuery): Promise<HistoryPage<Messages>>
  /** The channel as server-sent events, as a client gets it: give it `baseUrl` outside a page. */
  subscribe(options?: ChannelSubscribeOptions): ChannelStream
  /** The same over a WebSocket, which also sends. */
  connect(options?: ChannelConnectOptions): ChannelSocket
  /**
   * Who is there, page by page, where the definition has `presence`.
   * @throws {TakoError} `presence-off`: it has not
   */
  presence(query?: PresenceQuery): Promise<PresencePage<Who>>
  /**
   * Ends everybody's subscription to this channel; `reauthorize`: asks `verify` again instead. Nothing
   * that is published after it resolves reaches anyone under an old permission. They may come again.
   * Of a definition with params, `definition({})` has none and means all its channels.
   */
  disconnect(options?: { reauthorize?: boolean; reason?: string }): Promise<Disconnected>
}

/** The handle of one channel. It publishes through the Tako that was created last. */
export function makeHandle<Messages, Who extends PresenceTypes>(
  target: Target,
): ChannelHandle<Messages, Who> {
  return {
    name: keyOf(target),
    async publish(message, options) {
      return currentApi().publish(concrete(target), message, options) as never
    },
    async batch(messages, options) {
      return currentApi().batch(concrete(target), messages, options) as never
    },
    async history(query) {
      return currentApi().history(concrete(target), query) as never
    },
    subscribe(options) {
      const { channel, params } = concrete(target)
      return new Channel(channel, 'sse', params).subscribe(options)
    },
    connect(options) {
      const { channel, params } = concrete(target)
      return new Channel(channel, 'ws', params).connect(options)
    },
    async presence(query) {
      return currentApi().presence(concrete(target), query) as never
    },
    async disconnect(options) {
      return currentApi().disconnectAll(concrete(target), options)
    },
  }
}

function concrete(target: Target): Target {
  if (!target.channel.endsWith('*')) return target
  throw new TakoError('usage-invalid', `'${target.channel}' stands for many channels`, {
    hint: `Say which: definition.named('${target.channel.slice(0, -1)}…').publish(…)`,
  })
}
