// Connection: one transport's life over many attempts: when to dial, how long to wait in between.
import { TakoError } from '../error.js'
import { Backoff, type BackoffOptions, stableMs } from './backoff.js'
import { type ConnectionEvent, nextConnectionStatus } from './connection_state.js'
import type { Environment } from './environment.js'
import type { ConnectionStatus } from './types.js'

export interface Driver {
  /** Makes an attempt; tells `opened()` or `lost()`. */
  dial(): void
  /** Ends the attempt or the connection; null: nobody wants it any more. */
  hangUp(error: TakoError | null): void
  onStatus(status: ConnectionStatus): void
}

export class Connection {
  status: ConnectionStatus = 'idle'
  readonly #backoff: Backoff
  #cancelTimer = () => {}

  constructor(
    readonly environment: Environment,
    backoff: BackoffOptions,
    readonly timeoutMs: number,
    readonly driver: Driver,
  ) {
    this.#backoff = new Backoff(backoff, environment.random)
  }

  want(): void {
    this.#go('wanted')
  }

  release(): void {
    this.#go('released')
  }

  opened(): void {
    this.#go('opened')
  }

  /** The attempt failed or the connection broke; the next comes no earlier than `hintMs`. */
  lost(error: TakoError, hintMs = error.retryAfterMs): void {
    this.#go('lost', error, hintMs)
  }

  /** Ends a wait at once. */
  wake(): void {
    this.#go('due')
  }

  close(): void {
    this.#go('closed')
  }

  #go(event: ConnectionEvent, error: TakoError | null = null, hintMs?: number): void {
    const before = this.status
    const after = nextConnectionStatus(before, event)
    if (after === before) return
    this.status = after
    this.#cancelTimer()
    this.#cancelTimer = this.#startTimer(hintMs)
    const hadTransport = before === 'connecting' || before === 'open'
    if (hadTransport && after !== 'open') this.driver.hangUp(error)
    if (this.status !== after) return // hangUp told others, and they decided.
    this.driver.onStatus(after)
    if (this.status === 'connecting' && after === 'connecting') this.driver.dial()
  }

  #startTimer(hintMs?: number): () => void {
    const { setTimer } = this.environment
    switch (this.status) {
      case 'connecting':
        return setTimer(() => {
          this.lost(new TakoError('timeout', `no connection within ${this.timeoutMs} ms`))
        }, this.timeoutMs)
      case 'open':
        return setTimer(() => this.#backoff.reset(), stableMs)
      case 'waiting':
        return setTimer(() => this.wake(), this.#backoff.next(hintMs))
      default:
        return () => {}
    }
  }
}
