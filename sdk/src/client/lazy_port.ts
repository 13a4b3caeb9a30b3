// LazyPort: a transport whose code is loaded when it is first wanted: a page pays for what it uses.
import { TakoError } from '../error.js'
import type { Outgoing, Port, PortEvents, Wishes } from './port.js'

/** Of code that is loaded when it is wanted. */
export function notLoaded(cause: unknown): TakoError {
  const hint = 'Was a new version of the page published? Then reload it.'
  return new TakoError('connection-failed', 'code of the client could not be loaded', {
    hint,
    cause,
  })
}

export class LazyPort implements Port {
  #port: Port | null = null
  #isWanted = false

  #isLoading = false

  /** `load` may fail as any request does; the feed then asks again, later and later. */
  constructor(
    readonly load: () => Promise<Port>,
    readonly events: PortEvents,
  ) {}

  get window(): number {
    return this.#port?.window ?? 1
  }

  want(): void {
    this.#isWanted = true
    if (this.#port !== null) this.#port.want()
    else if (!this.#isLoading) void this.#load()
  }

  subscribe(cursor: string | null, token: string | null, more: Wishes): void {
    this.#port?.subscribe(cursor, token, more)
  }

  renew(token: string): void {
    this.#port?.renew(token)
  }

  send(message: Outgoing): void {
    this.#port?.send(message)
  }

  lastHeardMs(): number {
    return this.#port?.lastHeardMs() ?? 0
  }

  drop(error: TakoError): void {
    this.#port?.drop(error)
  }

  leave(): void {
    this.#isWanted = false
    this.#port?.leave()
  }

  async #load(): Promise<void> {
    this.#isLoading = true
    try {
      this.#port = await this.load()
    } catch (cause) {
      if (this.#isWanted) this.events.onRefused(notLoaded(cause))
    } finally {
      this.#isLoading = false
    }
    if (this.#isWanted) this.#port?.want()
  }
}
