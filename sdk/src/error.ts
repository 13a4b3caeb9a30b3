// TakoError: the one error class of this package, with the server's catalogue of codes.

/** What the catalogue knows of a code: HTTP status, WebSocket close code (0: none), may a retry help. */
export interface ErrorInfo {
  readonly status: number
  readonly close: number
  readonly retryable: boolean
}

const info = (status: number, close = 0, retryable = false): ErrorInfo => ({
  status,
  close,
  retryable,
})

/** The server's catalogue (docs/protocol.md section 6); a test holds the two together. */
export const serverErrors = {
  internal: info(500, 1011, true),
  'bad-request': info(400),
  'not-found': info(404),
  'method-not-allowed': info(405),
  'payload-too-large': info(413, 1009),
  'head-too-large': info(431),
  'url-too-long': info(414),
  unauthorized: info(401, 4401),
  forbidden: info(403, 4403),
  'origin-refused': info(403),
  'channel-unknown': info(404, 4404),
  'params-invalid': info(400, 4422),
  'cursor-malformed': info(400, 4411),
  'replay-too-old': info(410, 4410),
  'transport-not-enabled': info(400, 4406),
  'auth-frame-malformed': info(400, 4400),
  'auth-frame-missing': info(401, 4401),
  'verify-rejected': info(403, 4403),
  'message-malformed': info(400, 4415),
  'type-not-allowed': info(403, 4415),
  'too-slow': info(429, 4408, true),
  'rate-limited': info(429, 4429, true),
  unavailable: info(503, 4503, true),
  restarting: info(503, 1012, true),
  'connection-expired': info(503, 1000, true),
  'unsupported-frame': info(400, 1003),
  'message-too-big': info(413, 1009),
  'invalid-utf8': info(400, 1007),
  'protocol-error': info(400, 1002),
  'handshake-invalid': info(400),
  'version-unsupported': info(426),
  'idempotency-key-reused': info(409),
  'idempotency-table-full': info(429, 0, true),
  'definition-invalid': info(400),
  'app-unknown': info(404),
  'key-invalid': info(401),
  'batch-invalid': info(400),
  'limit-reached': info(503, 4503, true),
  'upstream-unavailable': info(502, 0, true),
  'upstream-timeout': info(504, 0, true),
  'no-upstream': info(404),
  'config-invalid': info(400),
  'address-in-use': info(500),
  'not-implemented': info(501),
  'subscription-unknown': info(404),
  'subscription-exists': info(409),
  'definitions-changed': info(503, 1012, true),
  'log-full': info(507, 0, true),
  'request-timeout': info(408, 0, true),
  'ephemeral-with-key': info(400),
  'log-unusable': info(503, 0, true),
  'presence-off': info(400),
  'presence-full': info(503, 0, true),
  'message-rejected': info(403, 4415),
  revoked: info(403, 4403),
} as const satisfies Record<string, ErrorInfo>

/** What this package itself can say; the rest comes from the server. */
export const localErrors = {
  /** No connection, or it broke before an answer came. */
  'connection-failed': info(0, 0, true),
  /** No answer in the time given. */
  timeout: info(0, 0, true),
  /** The queue of unsent messages is full. */
  'queue-full': info(0, 0, true),
  /** The subscription, the client or the request was ended by its owner. */
  aborted: info(0),
  /** The peer's answer is none that this version knows. */
  'answer-malformed': info(0),
  /** A call that can't be right: the message says what to change. */
  'usage-invalid': info(0),
} as const satisfies Record<string, ErrorInfo>

export type ServerErrorCode = keyof typeof serverErrors
export type LocalErrorCode = keyof typeof localErrors
export type ErrorCode = ServerErrorCode | LocalErrorCode

export interface TakoErrorOptions {
  hint?: string | undefined
  cause?: unknown
  status?: number | undefined
  /** Overrides the catalogue, for a code of a newer server. */
  retryable?: boolean | undefined
  /** How long the server asks to wait. */
  retryAfterMs?: number | undefined
}

/**
 * Every failure of this package. `code` is from the catalogue (a newer server may send one that this
 * version does not know), `hint` says what to do, `retryable` whether the same call may succeed later.
 */
export class TakoError extends Error {
  override readonly name = 'TakoError'
  readonly code: ErrorCode | (string & {})
  readonly hint: string
  readonly status: number
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode | (string & {}), message: string, options: TakoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    const known = lookUp(code)
    this.code = code
    this.hint = options.hint ?? ''
    this.status = options.status ?? known?.status ?? 0
    this.retryable = options.retryable ?? known?.retryable ?? false
    this.retryAfterMs = options.retryAfterMs
  }

  /** From a body `{"error":{"code","message","hint"}}`; any other body is told by its status. */
  static fromReply(status: number, body: unknown, retryAfter: string | null = null): TakoError {
    const error = (body as { error?: unknown } | null | undefined)?.error
    const options = { status, retryAfterMs: parseRetryAfter(retryAfter) }
    if (typeof error !== 'object' || error === null) {
      return new TakoError('answer-malformed', `unexpected answer with status ${status}`, {
        ...options,
        hint: 'Check that the address is that of a Tako Channels server.',
        retryable: status >= 500 || status === 429 || status === 408,
      })
    }
    const { code, message, hint } = error as Record<string, unknown>
    const text = typeof code === 'string' ? code : 'answer-malformed'
    return new TakoError(text, typeof message === 'string' ? message : text, {
      ...options,
      hint: typeof hint === 'string' ? hint : '',
      ...(lookUp(text) ? {} : { retryable: status >= 500 || status === 429 }),
    })
  }

  /** From a WebSocket's close; the reason is the code, when the server gave one. */
  static fromClose(close: number, reason: string): TakoError {
    const byCode = (Object.keys(serverErrors) as ServerErrorCode[]).find(
      (code) => serverErrors[code].close === close && close >= 4000,
    )
    const code = lookUp(reason) ? reason : byCode
    if (code !== undefined) return new TakoError(code, reason === '' ? code : reason)
    if (close === 1012) return new TakoError('restarting', reason || 'restarting')
    if (close === 1000) return new TakoError('connection-expired', reason || 'connection expired')
    const isOurFault = [1002, 1003, 1007, 1009].includes(close)
    return new TakoError(
      isOurFault ? 'protocol-error' : 'connection-failed',
      reason === '' ? `the connection was closed (${close})` : `${reason} (${close})`,
    )
  }
}

const allErrors = new Map<string, ErrorInfo>(Object.entries({ ...serverErrors, ...localErrors }))

function lookUp(code: string): ErrorInfo | undefined {
  return allErrors.get(code)
}

/** Seconds, as Retry-After gives them, in ms. */
function parseRetryAfter(text: string | null): number | undefined {
  if (text === null || !/^\d+$/.test(text)) return undefined
  return Number(text) * 1000
}
