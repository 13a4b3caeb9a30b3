// The browser's side: subscribe, send, read history. No framework, no Node code.
export { TakoError } from '../error.js'
export type { ErrorCode } from '../error.js'
export { createClient } from './client.js'
export type { TakoClient } from './client.js'
export { configureChannels, defaultClient } from './default_client.js'
export type { ChannelsConfiguration } from './default_client.js'
export { Channel } from './channel.js'
export type {
  ChannelConnectOptions,
  ChannelSocket,
  ChannelStream,
  ChannelSubscribeOptions,
} from './channel.js'
export type * from './types.js'
export type * from '../types.js'
export type * from '../presence_types.js'
export type * from '../registry.js'
