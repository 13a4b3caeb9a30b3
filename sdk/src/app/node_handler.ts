// The callbacks as a handler of node:http, which is a middleware of Express and Connect too.
import type { IncomingMessage, ServerResponse } from 'node:http'

import {
  type CallbackAnswer,
  type CallbackBody,
  type Callbacks,
  callbackBytesMax,
  isCallback,
} from './callbacks.js'

/** Calls `next` for a request that is none of the edge's; without one it answers 404. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (failure?: unknown) => void,
) => void

export function makeNodeHandler(callbacks: Callbacks): NodeHandler {
  return (request, response, next) => {
    const path = pathOf(request)
    if (isCallback(path)) {
      void handle(callbacks, path, request, response)
    } else if (next !== undefined) {
      next()
    } else {
      const error = { code: 'not-found', message: 'nothing is here', hint: '' }
      respond(response, { status: 404, body: { error } })
    }
  }
}

async function handle(
  callbacks: Callbacks,
  path: Parameters<Callbacks['answer']>[0],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const head = {
    method: request.method ?? '',
    token: single(request.headers['x-tako-internal-token']),
    signature: single(request.headers['x-tako-signature']),
  }
  const refused = callbacks.refuseHead(path, head)
  if (refused !== null) return respond(response, refused)
  const body = await readBody(request)
  if (body === 'aborted') return // Nobody is there to be answered.
  const answer =
    body === 'too-large' ? callbacks.tooLarge() : await callbacks.answer(path, head, body)
  respond(response, answer)
}

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}

// Express shortens `url` by the path that a router is mounted on; the edge's path is whole.
function pathOf(request: IncomingMessage): string {
  const { originalUrl } = request as IncomingMessage & { originalUrl?: string }
  return (originalUrl ?? request.url ?? '').split('?', 1)[0] ?? ''
}

type Body = CallbackBody | 'aborted' | 'too-large'

async function readBody(request: IncomingMessage): Promise<Body> {
  // A body parser may have been there before; then the stream is at its end.
  const { body: parsed } = request as IncomingMessage & { body?: unknown }
  if (parsed !== undefined && request.readableEnded) return bodyOf(parsed)
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      size += piece.length
      if (size > callbackBytesMax) return 'too-large'
      pieces.push(piece)
    }
  } catch {
    return 'aborted'
  }
  return { text: Buffer.concat(pieces).toString('utf8'), isRaw: true }
}

function bodyOf(parsed: unknown): CallbackBody {
  if (typeof parsed === 'string') return { text: parsed, isRaw: true }
  if (!(parsed instanceof Uint8Array)) return { text: JSON.stringify(parsed), isRaw: false }
  return { text: Buffer.from(parsed).toString('utf8'), isRaw: true }
}

function respond(response: ServerResponse, { status, body, headers }: CallbackAnswer): void {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    // What was not read of a refused request must not be taken for the next one.
    ...(status === 413 || status === 403 ? { Connection: 'close' } : {}),
    ...headers,
  })
  response.end(JSON.stringify(body))
}
