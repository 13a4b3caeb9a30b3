// What this tab said and the server has not yet delivered back: shown at once, kept when it fails.
import { TakoError } from 'tako-channels/client'

import type { RoomName } from './rooms.js'

export interface Unsent {
  /** The message's idempotency key too: however often it is sent, it is there once. */
  readonly key: string
  readonly room: RoomName
  readonly text: string
  readonly at: number
  /** Why it was refused; null while it is on its way. */
  readonly failure: string | null
  /** Said again it may pass; what a handler rejected does not. */
  readonly mayPass: boolean
}

type Send = (unsent: Unsent) => Promise<unknown>

export class Outbox {
  #items: readonly Unsent[] = []
  readonly #listeners = new Set<() => void>()

  add(room: RoomName, text: string, send: Send): void {
    const unsent = { key: makeKey(), room, text, at: Date.now(), failure: null, mayPass: true }
    this.#set([...this.#items, unsent])
    this.#send(unsent, send)
  }

  retry(key: string, send: Send): void {
    const found = this.#items.find((each) => each.key === key)
    if (found === undefined) return
    const unsent = { ...found, failure: null }
    this.#set(this.#items.map((each) => (each.key === key ? unsent : each)))
    this.#send(unsent, send)
  }

  /** It came back as a message, or nobody wants it any more. */
  remove(key: string): void {
    if (this.#items.some((each) => each.key === key)) {
      this.#set(this.#items.filter((each) => each.key !== key))
    }
  }

  getSnapshot = (): readonly Unsent[] => this.#items

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #send(unsent: Unsent, send: Send): void {
    send(unsent).catch((reason: unknown) => {
      const failure = reason instanceof Error ? reason.message : String(reason)
      const mayPass = !(reason instanceof TakoError && reason.code === 'message-rejected')
      this.#set(
        this.#items.map((each) => (each.key === unsent.key ? { ...each, failure, mayPass } : each)),
      )
    })
  }

  #set(items: readonly Unsent[]): void {
    this.#items = items
    for (const listener of this.#listeners) listener()
  }
}

// crypto.randomUUID is there on HTTPS and localhost only.
function makeKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
