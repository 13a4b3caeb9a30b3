// Outbox: a channel's messages on their way to the server, each answered once, none sent twice in vain.
//
// The server refuses an idempotency key on an ephemeral message, and a client does not know which types
// are ephemeral. So each message has a key at first; the refusal `ephemeral-with-key` comes before
// anything is published, names the type as ephemeral, and the message goes again without one. A message
// without a key that was sent and not answered before the connection broke is not sent again: it may
// have been delivered.
import { TakoError } from '../error.js'
import type { Environment } from './environment.js'
import type { Outgoing, Port } from './port.js'
import type { Sent } from './types.js'

/** A message that so many connections did not survive is given up: it may be the cause. */
const attemptsMax = 5
/** After a message that failed for now; the server counts its bound over the whole connection. */
const pauseMs = 1_000

/** A message, its fate, and who waits for it. */
export interface Entry<Owner> {
  readonly owner: Owner
  readonly type: string
  readonly data: unknown
  readonly echo: boolean
  /** Null: the client makes one. */
  readonly givenKey: string | null
  resolve(sent: Sent): void
  reject(error: TakoError): void
}

interface Item<Owner> {
  readonly entry: Entry<Owner>
  readonly ref: number
  key: string | null
  attempts: number
  sentAtMs: number | null
  cancelTimer: () => void
}

let lastRef = 0

/** A number that no other frame of this client has. */
export function nextRef(): number {
  return ++lastRef
}

export class Outbox<Owner> {
  #items: Item<Owner>[] = []
  #isOpen = false
  #cancelPause: (() => void) | null = null
  readonly #ephemeral = new Set<string>()

  constructor(
    readonly environment: Environment,
    readonly port: Port,
    readonly limits: { readonly queueMax: number; readonly timeoutMs: number },
  ) {}

  /** Messages that were sent and wait for their answer. */
  get inFlight(): number {
    return this.#items.filter((item) => item.sentAtMs !== null).length
  }

  add(entry: Entry<Owner>): void {
    if (this.#items.length >= this.limits.queueMax) {
      const text = `${this.limits.queueMax} messages wait already`
      entry.reject(new TakoError('queue-full', text, { hint: 'Wait for earlier ones.' }))
      return
    }
    const key = this.#ephemeral.has(entry.type)
      ? entry.givenKey
      : (entry.givenKey ?? this.environment.makeKey())
    const item = { entry, ref: nextRef(), key, attempts: 0, sentAtMs: null, cancelTimer: () => {} }
    this.#items.push(item)
    this.#flush()
  }

  /** The subscription stands: what waits is sent, in order. */
  open(): void {
    this.#isOpen = true
    this.#flush()
  }

  /** Nothing is sent until `open()`; answers still count. */
  pause(): void {
    this.#isOpen = false
  }

  /** No transport: what has a key waits for the next one. */
  shut(error: TakoError): void {
    this.#isOpen = false
    this.#cancelPause?.()
    this.#cancelPause = null
    for (const item of [...this.#items]) if (item.sentAtMs !== null) this.#unsent(item, error)
  }

  /** The owner's unsent messages are refused; of those sent the answer is awaited. */
  abandon(owner: Owner, error: TakoError): void {
    for (const item of [...this.#items]) {
      if (item.entry.owner === owner && item.sentAtMs === null) this.#settle(item, error)
    }
  }

  fail(error: TakoError): void {
    for (const item of [...this.#items]) this.#settle(item, error)
  }

  /** Gives unsent messages to the outbox that takes this one's place. */
  moveTo(other: Outbox<Owner>): void {
    const items = this.#items.splice(0)
    for (const { entry, cancelTimer } of items) {
      cancelTimer()
      other.add(entry)
    }
  }

  /** The message's entry, when it was one of this outbox. */
  sent(ref: number, id: string | null): Entry<Owner> | undefined {
    const item = this.#find(ref)
    if (item === undefined) return undefined
    // The definition may have changed: stored messages are safer with a key.
    if (id !== null && item.key === null) this.#ephemeral.delete(item.entry.type)
    this.#settle(item, { id })
    this.#flush()
    // Of a stored type, and not stored: the app's handler dropped it.
    return id === null && item.key !== null ? undefined : item.entry
  }

  failed(ref: number, error: TakoError, wasReceived: boolean): void {
    const item = this.#find(ref)
    if (item === undefined) return
    if (!wasReceived) return this.#unsentLater(item, error, false)
    if (error.code === 'ephemeral-with-key' && item.entry.givenKey === null && item.key !== null) {
      this.#ephemeral.add(item.entry.type)
      item.key = null
      this.#recall(item)
      return this.#flush()
    }
    // Neither was taken: both go again.
    if (error.code === 'subscription-unknown' || error.code === 'rate-limited') {
      return this.#unsentLater(item, error, true)
    }
    this.#settle(item, error)
    this.#flush()
  }

  #find(ref: number): Item<Owner> | undefined {
    return this.#items.find((item) => item.ref === ref)
  }

  #flush(): void {
    let inFlight = this.inFlight
    for (const item of [...this.#items]) {
      if (!this.#isOpen || this.#cancelPause !== null || inFlight >= this.port.window) return
      if (item.sentAtMs !== null) continue
      inFlight += 1
      this.#send(item)
    }
  }

  #send(item: Item<Owner>): void {
    const { type, data, echo } = item.entry
    item.attempts += 1
    item.sentAtMs = this.environment.now()
    item.cancelTimer = this.environment.setTimer(() => this.#onTimeout(item), this.limits.timeoutMs)
    const message: Outgoing = { ref: item.ref, type, data, idempotencyKey: item.key, echo }
    this.port.send(message)
  }

  /** Silence on the whole connection is a dead connection; else it is this message's trouble. */
  #onTimeout(item: Item<Owner>): void {
    const error = new TakoError('timeout', `no answer within ${this.limits.timeoutMs} ms`, {
      hint: 'It may have been published; sent again with the same key it is delivered once.',
    })
    if (this.port.lastHeardMs() <= (item.sentAtMs ?? 0)) return this.port.drop(error)
    this.#settle(item, error)
    this.#flush()
  }

  #unsentLater(item: Item<Owner>, error: TakoError, wasRefused: boolean): void {
    this.#unsent(item, error, wasRefused)
    this.#cancelPause ??= this.environment.setTimer(() => {
      this.#cancelPause = null
      this.#flush()
    }, error.retryAfterMs ?? pauseMs)
  }

  #unsent(item: Item<Owner>, error: TakoError, wasRefused = false): void {
    const isSafe = item.key !== null || wasRefused
    if (isSafe && item.attempts < attemptsMax) return this.#recall(item)
    const options = {
      cause: error,
      retryable: true,
      hint: isSafe ? error.hint : 'Nobody knows whether it was delivered; it was not sent again.',
    }
    this.#settle(item, new TakoError('connection-failed', 'no answer came', options))
  }

  #recall(item: Item<Owner>): void {
    item.cancelTimer()
    item.sentAtMs = null
  }

  #settle(item: Item<Owner>, outcome: Sent | TakoError): void {
    item.cancelTimer()
    this.#items = this.#items.filter((other) => other !== item)
    if (outcome instanceof TakoError) item.entry.reject(outcome)
    else item.entry.resolve(outcome)
  }
}
