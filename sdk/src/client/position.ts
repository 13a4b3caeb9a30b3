// Positions in a channel's log: ids as the server writes them, `<offset>-<epoch>`.

export interface Position {
  readonly offset: number
  /** The log's life; '' in the cursor `0`, which means "from the oldest" in any. */
  readonly epoch: string
}

/** Null for what is none: then only equality can be told. */
export function parsePosition(id: string): Position | null {
  const match = /^(\d+)-([0-9a-v]{8})$/.exec(id)
  if (match !== null) return { offset: Number(match[1]), epoch: match[2] as string }
  return id === '0' ? { offset: 0, epoch: '' } : null
}

/**
 * Whether `id` stands at or before `other` in the same life of the log: whoever is at `other` has had
 * it. Ids of two epochs can't be compared; they are new to each other.
 */
export function isCovered(id: string, other: string | null): boolean {
  if (other === null) return false
  if (id === other) return true
  const [a, b] = [parsePosition(id), parsePosition(other)]
  return a !== null && b !== null && a.epoch === b.epoch && a.offset <= b.offset
}

/** -1 for what is no position. */
export function offsetOf(id: string): number {
  return parsePosition(id)?.offset ?? -1
}

/** '' where none is named. */
export function epochOf(id: string): string {
  return parsePosition(id)?.epoch ?? ''
}
