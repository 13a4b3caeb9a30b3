'use client' // For bundlers that split a program between server and browser.
// React: the hooks of a channel, and the provider of their client.
export { TakoProvider, type TakoProviderProps } from './provider.js'
export { useChannel } from './use_channel.js'
export { useConnection, type UseConnectionResult } from './use_connection.js'
export { useOccupancy, usePresence } from './use_presence.js'
export type { Member, Occupancy } from '../presence_types.js'
export type {
  ChannelActions,
  ChannelCallbacks,
  ChannelState,
  SendMessage,
  UseChannelArguments,
  UseChannelOptions,
  UseChannelResult,
  UseOccupancyArguments,
  UseOccupancyResult,
  UsePresenceArguments,
  UsePresenceOptions,
  UsePresenceResult,
} from './types.js'
