// Which client a component's hooks use: the nearest provider's, or one per server for the page.
import { createContext, useContext } from 'react'

import { createClient } from '../client/index.js'
import { type ClientSource, OwnedClient } from './client_source.js'

export const ClientContext = createContext<ClientSource | null>(null)

// They live as long as the page, as the components that use them come and go; one without a
// subscription holds no connection.
const pageClients = new Map<string, ClientSource>()

/** The client for `baseUrl`; without it the provider's, or that of the page's own origin. */
export function useClientSource(baseUrl: string | undefined): ClientSource {
  const provided = useContext(ClientContext)
  if (baseUrl === undefined && provided !== null) return provided
  return pageClient(baseUrl ?? '')
}

function pageClient(baseUrl: string): ClientSource {
  let source = pageClients.get(baseUrl)
  if (source === undefined) {
    source = new OwnedClient(() => createClient(baseUrl === '' ? {} : { baseUrl }))
    // A server renders for many pages, whose addresses would pile up here.
    if (typeof window !== 'undefined') pageClients.set(baseUrl, source)
  }
  return source
}
