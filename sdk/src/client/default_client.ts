// The client that serves whoever makes none: of the page's own origin, made when first needed.
import { type TakoClient, createClient } from './client.js'
import type { ClientOptions, Token } from './types.js'

/** What all channels of a page have in common. */
export interface ChannelsConfiguration {
  token?: Token
  fetch?: typeof globalThis.fetch
  websocket?: typeof globalThis.WebSocket
  baseUrl?: string
}

let configuration: ChannelsConfiguration = {}
let client: TakoClient | null = null

/**
 * Configures the default client; what is not given stays. A new token holds for open subscriptions too,
 * the rest for those that come.
 */
export function configureChannels(given: ChannelsConfiguration): void {
  configuration = { ...configuration, ...given }
  const { token, ...rest } = given
  if (Object.keys(rest).length > 0) client = null
  else if (token !== undefined) client?.setToken(token)
}

/** The options that `configureChannels` has gathered. */
export function configuredOptions(): ClientOptions {
  const { websocket, ...rest } = configuration
  return websocket === undefined ? rest : { ...rest, WebSocket: websocket }
}

/** One for the page. Make your own with `createClient` for another edge or other limits. */
export function defaultClient(): TakoClient {
  if (client === null || client.status === 'closed') client = createClient(configuredOptions())
  return client
}
