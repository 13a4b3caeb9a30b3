// The callbacks as a fetch-style handler: Hono, Next.js, Bun, Deno, service workers.
import { type CallbackAnswer, type Callbacks, callbackBytesMax, isCallback } from './callbacks.js'

/** Resolves with null for a request that is none of the edge's, with its body untouched. */
export type FetchHandler = (request: Request) => Promise<Response | null>

export function makeFetchHandler(callbacks: Callbacks): FetchHandler {
  return async (request) => {
    const { pathname } = new URL(request.url)
    if (!isCallback(pathname)) return null
    const head = {
      method: request.method,
      token: request.headers.get('x-tako-internal-token'),
      signature: request.headers.get('x-tako-signature'),
    }
    const refused = callbacks.refuseHead(pathname, head)
    if (refused !== null) return respond(refused)
    let body: string | null
    try {
      body = await readBody(request)
    } catch {
      return respond(callbacks.broken()) // Most servers have nobody left to give it to.
    }
    if (body === null) return respond(callbacks.tooLarge())
    return respond(await callbacks.answer(pathname, head, { text: body, isRaw: true }))
  }
}

// Read piece by piece, so that what is too large is never held.
async function readBody(request: Request): Promise<string | null> {
  if (request.body === null) return ''
  const reader = request.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let size = 0; ;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.byteLength
    if (size > callbackBytesMax) {
      await reader.cancel()
      return null
    }
    text += decoder.decode(value, { stream: true })
  }
}

function respond({ status, body, headers }: CallbackAnswer): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
  })
}
