// Backoff: how long to wait before the next attempt.

/** What stood so long was no accident: the next delay begins anew. */
export const stableMs = 5_000

export interface BackoffOptions {
  firstMs: number
  maxMs: number
}

/**
 * Full jitter: the n-th delay is random between 0 and min(max, first·2^n), so that clients which were
 * cut off together do not come back together.
 */
export class Backoff {
  #attempts = 0

  constructor(
    readonly options: BackoffOptions,
    readonly random: () => number,
  ) {}

  /** The next delay in ms; with `hintMs` (the server's wish) at least that, and spread behind it. */
  next(hintMs = 0): number {
    const bound = Math.min(this.options.maxMs, this.options.firstMs * 2 ** this.#attempts)
    this.#attempts = Math.min(this.#attempts + 1, 30)
    return hintMs + this.random() * (hintMs > 0 ? Math.min(bound, this.options.firstMs) : bound)
  }

  reset(): void {
    this.#attempts = 0
  }
}
