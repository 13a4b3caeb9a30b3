// PresenceHandle: what a subscription's `presence` is, before and after the code behind it is loaded.
import type { TakoError } from '../error.js'
import type { Member, Occupancy } from '../presence_types.js'
import { nextRef } from './outbox.js'
import type { ClientSubscription } from './subscription.js'
import type { Presence, PresenceChange, PresenceOptions } from './types.js'

const nobody: readonly Member[] = []

export interface HandleOptions extends PresenceOptions {
  /** Gets what the server sends as it is, for a list elsewhere: another tab's. */
  onFrame?(type: string, data: unknown): void
}

export class PresenceHandle implements Presence {
  /** Undefined: it says nothing of being listed. */
  entered: boolean | undefined
  data: unknown
  /** Rises with each word of any handle: the newest data hold. */
  saidAt = nextRef()
  /** The list that is held when this handle comes is told to it. */
  isGreeted = false

  constructor(
    readonly subscription: ClientSubscription,
    readonly options: HandleOptions,
  ) {
    this.entered = options.enter
    this.data = options.data
  }

  get kind(): Presence['kind'] {
    const core = this.#core
    // Until the first list is there nothing is known.
    return !core || (core.kind === 'list' && core.list.version === null) ? null : core.kind
  }

  get members(): readonly Member[] {
    return this.#core?.list.members ?? nobody
  }

  get self(): Member | null {
    return this.#core?.self ?? null
  }

  get occupancy(): Occupancy | null {
    return this.#core?.occupancy ?? null
  }

  get error(): TakoError | null {
    return this.#core?.error ?? null
  }

  update(data: unknown): Promise<void> {
    return this.say('update', data)
  }

  enter(data?: unknown): Promise<void> {
    return this.say('enter', data)
  }

  leave(): Promise<void> {
    return this.say('leave')
  }

  async say(action: string, data?: unknown): Promise<void> {
    return (await this.subscription.feed.loadPresence()).say(this, action, data)
  }

  tell(changes: readonly PresenceChange[]): void {
    this.subscription.onPresence(changes)
  }

  get #core() {
    return this.subscription.feed.presence
  }
}
