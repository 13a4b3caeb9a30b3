// Single HTTP requests to the edge: history, and messages without a WebSocket.
import { TakoError } from '../error.js'
import { askToken, isAuthError } from './token.js'
import type { Environment } from './environment.js'
import { parseJson } from './json.js'
import type { Token } from './types.js'

/** What every part of a client needs of it. */
export interface ClientContext {
  readonly environment: Environment
  /** Without a slash at the end. */
  readonly baseUrl: string
  readonly timeoutMs: number
  readonly queueMax: number
  readonly backoff: { readonly firstMs: number; readonly maxMs: number }
}

/**
 * One request, its JSON answer. A refusal for the credential asks a token function once more.
 * @throws {TakoError} what the server said, `connection-failed`, `timeout`
 */
export async function request(
  context: ClientContext,
  path: string,
  token: Token | undefined,
  body?: unknown,
): Promise<unknown> {
  try {
    return await requestOnce(context, path, token, body)
  } catch (error) {
    const mayHelp = error instanceof TakoError && isAuthError(error) && typeof token === 'function'
    if (!mayHelp) throw error
    return requestOnce(context, path, token, body)
  }
}

async function requestOnce(
  { environment, baseUrl, timeoutMs }: ClientContext,
  path: string,
  token: Token | undefined,
  body: unknown,
): Promise<unknown> {
  const authorization = await askToken(environment, token, timeoutMs)
  const abort = new AbortController()
  const cancel = environment.setTimer(() => abort.abort(), timeoutMs)
  try {
    const response = await environment.fetch(baseUrl + path, {
      headers: {
        ...(authorization === null ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      credentials: 'include',
      cache: 'no-store',
      signal: abort.signal,
    })
    const answer = parseJson(await response.text())
    if (!response.ok || typeof answer !== 'object' || answer === null) {
      throw TakoError.fromReply(response.status, answer, response.headers.get('retry-after'))
    }
    return answer
  } catch (cause) {
    if (cause instanceof TakoError) throw cause
    throw abort.signal.aborted
      ? new TakoError('timeout', `no answer within ${timeoutMs} ms`, { cause })
      : new TakoError('connection-failed', 'the request failed', { cause })
  } finally {
    cancel()
  }
}
