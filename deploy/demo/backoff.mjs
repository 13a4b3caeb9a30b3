// How long to wait before the next try.

const baseMs = 500
const maxMs = 15_000

/** Full jitter: anywhere below a doubling bound, so that a crowd does not come back as one. */
export function fullJitter(attempt, random = Math.random) {
  return random() * Math.min(maxMs, baseMs * 2 ** attempt)
}
