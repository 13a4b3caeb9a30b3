// TakoProvider: the client that the hooks below it use.
import { type ReactNode, useEffect, useInsertionEffect, useState } from 'react'

import type { ClientOptions, TakoClient } from '../client/index.js'
import { givenClient } from './client_source.js'
import { ClientContext } from './context.js'
import { OptionsClient } from './options_client.js'

export type TakoProviderProps = { children?: ReactNode } & (
  | {
      /** A client that the app made, and closes. */
      client: TakoClient
      options?: undefined
    }
  | {
      /**
       * For a client that the provider makes, and closes when it is unmounted. A changed `token` is
       * given to that client; a change of anything else but functions makes another one.
       */
      options: ClientOptions
      client?: undefined
    }
)

/** Gives a client to the hooks below it. */
export function TakoProvider({ client, options, children }: TakoProviderProps): ReactNode {
  if (client === undefined) return <OwningProvider options={options}>{children}</OwningProvider>
  return <ClientContext.Provider value={givenClient(client)}>{children}</ClientContext.Provider>
}

function OwningProvider(props: { options: ClientOptions; children: ReactNode }): ReactNode {
  const { options, children } = props
  const [kept, setOwned] = useState(() => new OptionsClient(options))
  let owned = kept
  if (!kept.fits(options)) {
    owned = new OptionsClient(options)
    setOwned(owned)
  }
  useInsertionEffect(() => owned.adoptToken(options.token))
  useEffect(() => owned.applyToken(), [owned, options.token])
  useEffect(() => () => owned.close(), [owned])
  return <ClientContext.Provider value={owned}>{children}</ClientContext.Provider>
}
