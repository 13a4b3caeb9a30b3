// Credentials: from the option to the text that goes on the wire.
import { TakoError } from '../error.js'
import type { Environment } from './environment.js'
import type { Token } from './types.js'

/** Refusals that a fresh token may mend. */
const authCodes = ['unauthorized', 'forbidden', 'verify-rejected', 'auth-frame-missing']

export function isAuthError(error: TakoError): boolean {
  return authCodes.includes(error.code)
}

/** Scheme, blank, value: a token without a scheme is a Bearer token. */
function withScheme(token: string | null): string | null {
  return token === null || token === '' || token.includes(' ') ? token || null : `Bearer ${token}`
}

/**
 * Asks the source; the answer comes at once when the source is no function.
 * @throws {TakoError} (as a rejection) `connection-failed` when it throws, `timeout` when it hangs
 */
export function askToken(
  environment: Environment,
  token: Token | undefined,
  timeoutMs: number,
): string | null | Promise<string | null> {
  if (typeof token !== 'function') return withScheme(token ?? null)
  return new Promise((resolve, reject) => {
    const cancel = environment.setTimer(() => {
      reject(new TakoError('timeout', `the token function gave nothing within ${timeoutMs} ms`))
    }, timeoutMs)
    Promise.resolve()
      .then(token)
      .then((value) => resolve(withScheme(value ?? null)))
      .catch((cause: unknown) => {
        const hint = 'Its exception is the cause of this error.'
        reject(new TakoError('connection-failed', 'the token function failed', { hint, cause }))
      })
      .finally(cancel)
  })
}
