'use client' // For bundlers that split a program between server and browser.
// React: the hooks of a channel, and the provider of their client.
export { TakoProvider, type TakoProviderProps } from './provider.js'
export { useChannel } from './use_channel.js'
export { useConnection, type UseConnectionResult } from './use_connection.js'
export { usePresence, type Member, type UsePresenceResult } from './use_presence.js'
export type {
  ChannelActions,
  ChannelCallbacks,
  ChannelState,
  SendMessage,
  UseChannelArguments,
  UseChannelOptions,
  UseChannelResult,
} from './types.js'
