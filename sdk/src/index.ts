// The app's side: define channels, answer the edge's callbacks, publish.
export { TakoError, serverErrors, localErrors } from './error.js'
export type { ErrorCode, ErrorInfo, TakoErrorOptions } from './error.js'
export type * from './types.js'
export type * from './presence_types.js'
export type * from './webhook_types.js'
export type * from './registry.js'

export { defineChannel } from './define/define.js'
export type {
  AnyChannel,
  BoundChannel,
  DefinedChannel,
  InferChannel,
  ParameterizedChannel,
} from './define/define.js'
export type { ChannelHandle, StoredMessage } from './define/handle.js'
export type {
  ChannelConnectOptions,
  ChannelSocket,
  ChannelStream,
  ChannelSubscribeOptions,
} from './client/channel.js'
export type * from './define/types.js'

export { RejectError, reject } from './define/reject.js'

export { createTako } from './app/tako.js'
export type { Tako, TakoOptions } from './app/tako.js'
export { discoverChannels } from './app/discover.js'
export type { FetchHandler } from './app/fetch_handler.js'
export type { NodeHandler } from './app/node_handler.js'
export type { EventListener } from './app/webhooks.js'
export type {
  BatchOptions,
  DisconnectOptions,
  Disconnected,
  PublishOptions,
} from './publish/api.js'
export type { EdgeAddress } from './publish/connection.js'

/**
 * The app's channels by name. `tako-channels generate` writes a file that fills it:
 * `declare module 'tako-channels' { interface TakoChannels { chat: InferChannel<…> } }`
 */
export interface TakoChannels {}
