// How long a call may take: its deadline and its caller's AbortSignal, as one thing to wait on.
import { TakoError } from '../error.js'

export class Patience {
  readonly #deadline: number
  readonly #timeoutMs: number
  readonly #signal: AbortSignal | undefined

  constructor(timeoutMs: number, signal?: AbortSignal) {
    this.#deadline = performance.now() + timeoutMs
    this.#timeoutMs = timeoutMs
    this.#signal = signal
  }

  get leftMs(): number {
    return Math.max(0, this.#deadline - performance.now())
  }

  /** @throws {TakoError} `aborted` or `timeout`, if it is over */
  check(): void {
    if (this.#signal?.aborted) throw this.#aborted()
    if (this.leftMs === 0) throw this.#timeout()
  }

  /** Calls `listener` once when it is over, never from within; returns how to stop listening. */
  onEnd(listener: (why: TakoError) => void): () => void {
    const end = (why: TakoError) => {
      stop()
      listener(why)
    }
    const onAbort = () => end(this.#aborted())
    const timer = setTimeout(() => end(this.#timeout()), this.#signal?.aborted ? 0 : this.leftMs)
    this.#signal?.addEventListener('abort', onAbort)
    const stop = () => {
      clearTimeout(timer)
      this.#signal?.removeEventListener('abort', onAbort)
    }
    return stop
  }

  /** Waits; rejects when it is over before. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        stop()
        resolve()
      }, ms)
      const stop = this.onEnd((why) => {
        clearTimeout(timer)
        reject(why)
      })
    })
  }

  #aborted(): TakoError {
    return new TakoError('aborted', 'the call was aborted', { cause: this.#signal?.reason })
  }

  #timeout(): TakoError {
    if (this.#signal?.aborted) return this.#aborted()
    return new TakoError('timeout', `no answer within ${this.#timeoutMs} ms`, {
      hint: 'Is the broker running, and does the disk keep up? timeoutMs changes the bound.',
    })
  }
}
