// Renewal: gives the server a fresh token before the permission ends.
import type { ClientContext } from './http.js'
import { askToken } from './token.js'
import type { Token } from './types.js'

/**
 * Renewals are so far apart at least: a server that notices 30 s ahead asks again at once when the app
 * grants for less, and would have the app judge without a pause.
 */
const gapMs = 1_000
/** A token function that failed is asked again: its network may be back. */
const retryMs = 3_000

export class Renewal {
  #atMs = -Infinity
  /** An answer of an earlier round comes too late. */
  #round = 0
  #cancelTimer = () => {}

  constructor(
    readonly context: ClientContext,
    readonly token: () => Token | undefined,
    readonly give: (token: string) => void,
  ) {}

  /** The server asks for it. */
  due(): void {
    this.#startIn(Math.max(0, this.#atMs + gapMs - this.context.environment.now()))
  }

  start(): void {
    const { environment, timeoutMs } = this.context
    this.#atMs = environment.now()
    const round = this.#round
    Promise.resolve(askToken(environment, this.token(), timeoutMs))
      .then((token) => {
        if (token !== null && round === this.#round) this.give(token)
      })
      .catch(() => {
        // Tried again while the permission lasts; when it ends, the next attempt tells.
        if (round === this.#round) this.#startIn(retryMs)
      })
  }

  /** What is subscribed ends, or begins anew with a token of its own. */
  stop(): void {
    this.#round += 1
    this.#cancelTimer()
  }

  #startIn(waitMs: number): void {
    this.#cancelTimer()
    this.#cancelTimer = this.context.environment.setTimer(() => this.start(), waitMs)
  }
}
