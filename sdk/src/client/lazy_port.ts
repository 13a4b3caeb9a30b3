// LazyPort: a transport that is still to come, such as one whose code is loaded on demand.
import type { TakoError } from '../error.js'
import type { Outgoing, Port } from './port.js'

export class LazyPort implements Port {
  #port: Port | null = null
  #isWanted = false

  constructor(port: Promise<Port>) {
    void port.then((loaded) => {
      this.#port = loaded
      if (this.#isWanted) loaded.want()
    })
  }

  get window(): number {
    return this.#port?.window ?? 0
  }

  want(): void {
    this.#isWanted = true
    this.#port?.want()
  }

  subscribe(cursor: string | null, token: string | null): void {
    this.#port?.subscribe(cursor, token)
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
}
