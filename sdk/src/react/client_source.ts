// Where a hook finds its client: given by the app, or made at the first use and closed by its owner.
import type { TakoClient } from '../client/index.js'

/** A client that need not exist yet: rendering on a server never makes one. */
export interface ClientSource {
  /** The client, made now if there is none. For effects; a render reads `current`. */
  get(): TakoClient
  readonly current: TakoClient | null
}

const given = new WeakMap<TakoClient, ClientSource>()

/** The app's own client, which the app closes. The same source for the same client. */
export function givenClient(client: TakoClient): ClientSource {
  let source = given.get(client)
  if (source === undefined) {
    source = { get: () => client, current: client }
    given.set(client, source)
  }
  return source
}

/** A client that is made at the first use, and anew at the next use after `close`. */
export class OwnedClient implements ClientSource {
  readonly #make: () => TakoClient
  #client: TakoClient | null = null

  constructor(make: () => TakoClient) {
    this.#make = make
  }

  get current(): TakoClient | null {
    return this.#client
  }

  get(): TakoClient {
    this.#client ??= this.#make()
    return this.#client
  }

  close(): void {
    this.#client?.close()
    this.#client = null
  }
}
