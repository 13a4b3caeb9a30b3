// Which client a component's hooks use: the nearest provider's, or one per server for the page.
import { createContext, useContext } from 'react'

import { configuredOptions, defaultClient } from '../client/default_client.js'
import { createClient, type TakoClient } from '../client/index.js'
import { type ClientSource, OwnedClient } from './client_source.js'

export const ClientContext = createContext<ClientSource | null>(null)

/** The client for `baseUrl`; without it the provider's, or the page's default client. */
export function useClientSource(baseUrl: string | undefined): ClientSource {
  const provided = useContext(ClientContext)
  if (baseUrl !== undefined) return clientOf(baseUrl)
  return provided ?? pageClient
}

/** The client that `configureChannels` configures; asked for each time, as it may be another then. */
class DefaultClient implements ClientSource {
  current: TakoClient | null = null

  get(): TakoClient {
    const client = defaultClient()
    this.current = client
    return client
  }
}

const pageClient = new DefaultClient()

// They live as long as the page, as the components that use them come and go; one without a
// subscription holds no connection.
const clients = new Map<string, ClientSource>()

function clientOf(baseUrl: string): ClientSource {
  let source = clients.get(baseUrl)
  if (source === undefined) {
    source = new OwnedClient(() => createClient({ ...configuredOptions(), baseUrl }))
    // A server renders for many pages, whose addresses would pile up here.
    if (typeof window !== 'undefined') clients.set(baseUrl, source)
  }
  return source
}
