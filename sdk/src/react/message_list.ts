// A bounded list of messages whose snapshots are stable: a new array only when something changed.
import type { ChannelMessage } from '../types.js'

/** Holds the newest messages. Adding costs O(1); a snapshot copies once per change. */
export class MessageList<Messages> {
  #messages: ChannelMessage<Messages>[] = []
  #snapshot: readonly ChannelMessage<Messages>[] = []
  #isStale = false
  #limit: number
  /** So many older ones were asked for, and are held beyond the limit. */
  #olderCount = 0
  #hasDropped = false
  /** Of the messages that came as history: a live one among them is there already. */
  #historyIds = new Set<string>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The newest messages, oldest first; the same array until the list changes. */
  get snapshot(): readonly ChannelMessage<Messages>[] {
    if (this.#isStale) {
      const count = this.#limit + this.#olderCount
      this.#snapshot = count === 0 ? [] : this.#messages.slice(-count)
      this.#isStale = false
    }
    return this.#snapshot
  }

  /** True when that is another limit than before. */
  setLimit(limit: number): boolean {
    if (limit === this.#limit) return false
    this.#limit = limit
    this.#trim(limit + this.#olderCount)
    this.#isStale = true
    return true
  }

  append(message: ChannelMessage<Messages>): void {
    if (message.id !== undefined && this.#historyIds.has(message.id)) return
    this.#messages.push(message)
    this.#trim(2 * this.#limit + this.#olderCount) // Not at every message: shifting the array costs its whole length.
    this.#isStale = true
  }

  /** Puts older messages, ascending, in front. */
  prepend(older: readonly ChannelMessage<Messages>[]): void {
    this.#historyIds = new Set(older.flatMap(({ id }) => (id === undefined ? [] : [id])))
    const live = this.#messages.filter(({ id }) => id === undefined || !this.#historyIds.has(id))
    this.#messages = [...older, ...live]
    this.#isStale = true
  }

  /** Puts a page in front that was asked for: it is held in addition. */
  prependOlder(older: readonly ChannelMessage<Messages>[]): void {
    // What is no longer shown is not in between.
    this.#messages = [...older, ...this.snapshot]
    this.#hasDropped = false
    this.#olderCount += older.length
    this.#isStale = true
  }

  /** Older ones had to go to keep the limit. */
  get hasDropped(): boolean {
    return this.#hasDropped || this.#messages.length > this.#limit + this.#olderCount
  }

  /** Of the oldest stored message that is shown. */
  get oldestId(): string | undefined {
    return this.snapshot.find(({ id }) => id !== undefined)?.id
  }

  clear(): void {
    this.#olderCount = 0
    this.#hasDropped = false
    if (this.#messages.length === 0) return
    this.#messages = []
    this.#isStale = true
  }

  #trim(length: number): void {
    const surplus = this.#messages.length - length
    if (surplus <= 0) return
    this.#messages.splice(0, surplus)
    this.#hasDropped = true
  }
}
