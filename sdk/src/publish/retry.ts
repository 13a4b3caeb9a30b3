// Repeats a call that may be repeated: full jitter, the server's own time to wait, and an end.
import { TakoError } from '../error.js'
import type { Patience } from './patience.js'

const firstDelayMs = 50
const delayMaxMs = 2_000

/**
 * Runs `attempt` until it succeeds, fails for good, or patience ends; then it throws why retries were
 * needed, rather than that time ran out. Call it only with what is safe to repeat.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  patience: Patience,
  random: () => number = Math.random,
): Promise<T> {
  let why: TakoError | undefined
  for (let round = 0; ; round += 1) {
    try {
      return await attempt()
    } catch (failure) {
      if (!mayHelp(failure)) throw failure
      if (why === undefined || failure.code !== 'timeout') why = failure
      const delayMs = retryDelayMs(round, failure.retryAfterMs, random)
      if (delayMs >= patience.leftMs) throw why
      await patience.sleep(delayMs)
    }
  }
}

/** Random up to a bound that doubles, behind what the server asked for. */
export function retryDelayMs(
  round: number,
  retryAfterMs: number | undefined,
  random: () => number = Math.random,
): number {
  return (retryAfterMs ?? 0) + random() * Math.min(delayMaxMs, firstDelayMs * 2 ** round)
}

// A full queue of our own is the caller's to slow down for: retrying from here would be a second
// queue, without a bound.
function mayHelp(failure: unknown): failure is TakoError {
  return failure instanceof TakoError && failure.retryable && failure.code !== 'queue-full'
}
