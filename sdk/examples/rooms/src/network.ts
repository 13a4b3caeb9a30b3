// The page's network with a switch, so that one can try what happens when it is gone.
import { useSyncExternalStore } from 'react'

class Network {
  isCut = false
  #life = new AbortController()
  readonly #sockets = new Set<WebSocket>()
  readonly #listeners = new Set<() => void>()

  /** A WebSocket that the switch can cut. */
  readonly WebSocket: typeof globalThis.WebSocket

  constructor() {
    const sockets = this.#sockets
    const isCut = () => this.isCut
    this.WebSocket = class extends globalThis.WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols)
        sockets.add(this)
        this.addEventListener('close', () => sockets.delete(this))
        if (isCut()) this.close()
      }
    }
  }

  /** As the browser's own, but the switch ends it, also in the middle of a stream. */
  readonly fetch: typeof globalThis.fetch = (input, init) => {
    const signals = [this.#life.signal, ...(init?.signal ? [init.signal] : [])]
    return globalThis.fetch(input, { ...init, signal: AbortSignal.any(signals) })
  }

  cut(): void {
    this.isCut = true
    for (const socket of this.#sockets) socket.close()
    this.#life.abort(new TypeError('the connection is cut'))
    this.#tell()
  }

  restore(): void {
    this.isCut = false
    this.#life = new AbortController()
    this.#tell()
    // What a browser says when its own network is back: whoever waits tries at once.
    window.dispatchEvent(new Event('online'))
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

export const network = new Network()

export function useIsCut(): boolean {
  return useSyncExternalStore(network.subscribe, () => network.isCut)
}
