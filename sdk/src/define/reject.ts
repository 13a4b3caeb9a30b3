// RejectError: how a handler function says no to a client's message, with the reason that the client sees.

// By name, not by identity: the definitions may be loaded with another copy of this package.
const mark: unique symbol = Symbol.for('tako-channels.reject') as never

/** Thrown by a handler function: the message is not published, and the sender is told the reason. */
export class RejectError extends Error {
  override readonly name = 'RejectError'
  readonly [mark] = true

  /** `reason` reaches the sender as the text of a `message-rejected`; keep it short and for people. */
  constructor(readonly reason: string) {
    super(reason)
  }
}

/** `throw new RejectError(reason)`, as an expression. */
export function reject(reason: string): never {
  throw new RejectError(reason)
}

/** The reason of a RejectError; null for every other failure. */
export function reasonOf(failure: unknown): string | null {
  const { [mark]: isRejection, reason } = (failure ?? {}) as Partial<RejectError>
  return isRejection === true ? String(reason) : null
}
