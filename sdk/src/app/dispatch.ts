// Runs a handler function for one client message: what the edge is answered (docs/protocol.md section 8).
import type { Definition } from '../define/define.js'
import { reasonOf } from '../define/reject.js'
import type { HandlerFunction } from '../define/types.js'
import { TakoError } from '../error.js'
import type { Json, Params } from '../types.js'

/** A call as the edge makes it; the members that are not named here are not checked yet. */
export type CallbackCall = { channel: string; params: Params } & Record<string, unknown>

/**
 * What becomes of the message: published, dropped, or rejected with a reason.
 * @throws whatever the function threw but a RejectError; `usage-invalid` for what JSON can't say
 */
export async function dispatch({ config }: Definition, call: CallbackCall): Promise<Json> {
  const { app, channel, params, type, data, subject, idempotencyKey, ip } = call
  const handlers: Record<string, unknown> = config.handler ?? {}
  const handler = typeof type === 'string' && Object.hasOwn(handlers, type) && handlers[type]
  if (typeof handler !== 'function') {
    // The edge holds other definitions than this process: of a deploy that is under way.
    return { action: 'reject', reason: `no function handles '${String(type)}'` }
  }
  try {
    const result = await (handler as HandlerFunction<Params, unknown>)(data, {
      app: String(app ?? 'default'),
      channel,
      params,
      type: type as string,
      publishedBy: 'client',
      ...(typeof subject === 'string' ? { subject } : {}),
      ...(typeof idempotencyKey === 'string' ? { idempotencyKey } : {}),
      ...(typeof ip === 'string' ? { ip } : {}),
    })
    if (result === undefined) return { action: 'drop' }
    return { action: 'fanout', data: plain(result, `${channel}.${String(type)}`) }
  } catch (failure) {
    const reason = reasonOf(failure)
    if (reason === null) throw failure
    return { action: 'reject', reason }
  }
}

function plain(value: unknown, where: string): Json {
  const refuse = (why: string, cause?: unknown) =>
    new TakoError('usage-invalid', `the handler of ${where} returned ${why}`, {
      hint: 'Return the data to publish, undefined for none, or throw RejectError.',
      cause,
    })
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw refuse('what JSON can not say', cause)
  }
  if (text === undefined) throw refuse(`a ${typeof value}`)
  return value as Json
}
