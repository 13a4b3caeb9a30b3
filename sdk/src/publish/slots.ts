// A bounded number of things at a time, and a bounded queue of those that wait for their turn.
import { TakoError } from '../error.js'
import type { Patience } from './patience.js'

export class Slots {
  readonly #max: number
  readonly #queueMax: number
  readonly #waiting = new Set<() => void>()
  #taken = 0

  constructor(max: number, queueMax: number) {
    this.#max = max
    this.#queueMax = queueMax
  }

  /**
   * Resolves with the function that gives the slot back, in the order of the calls.
   * @throws {TakoError} `queue-full` when too many wait already; `timeout`, `aborted` when patience ends
   */
  async take(patience: Patience): Promise<() => void> {
    if (this.#taken >= this.#max) await this.#wait(patience)
    else this.#taken += 1
    let isTaken = true
    return () => {
      if (isTaken) this.#give()
      isTaken = false
    }
  }

  #wait(patience: Patience): Promise<void> {
    if (this.#waiting.size >= this.#queueMax) {
      return Promise.reject(
        new TakoError('queue-full', `${this.#queueMax} requests wait already`, {
          hint: 'Publish more slowly, batch messages, or raise queueMax.',
        }),
      )
    }
    return new Promise((resolve, reject) => {
      const proceed = () => {
        stopListening()
        resolve()
      }
      const stopListening = patience.onEnd((why) => {
        this.#waiting.delete(proceed)
        reject(why)
      })
      this.#waiting.add(proceed)
    })
  }

  // A slot that is given back goes to who waits longest; it is never free in between, so nobody
  // overtakes.
  #give(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#taken -= 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
