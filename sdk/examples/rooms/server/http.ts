// Small helpers over node:http: read and write JSON, serve the built page.
import { createReadStream, statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import path from 'node:path'

const bodyBytesMax = 16 * 1024
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** A fault of the caller, told with this status. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** The body as an object. @throws {HttpError} 413 or 400 */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > bodyBytesMax) throw new HttpError(413, 'the body is too large')
  }
  try {
    const value: unknown = JSON.parse(text || '{}')
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new HttpError(400, 'the body is not a JSON object')
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(value))
}

/** A file of the built page; for every other path the page itself, which knows its own routes. */
export function sendFile(folder: string, urlPath: string, response: ServerResponse): void {
  const isAsset = urlPath.startsWith('/assets/') && !urlPath.includes('..')
  const file = path.join(folder, isAsset ? urlPath : 'index.html')
  const stats = statSync(file, { throwIfNoEntry: false })
  if (!stats?.isFile()) return sendJson(response, 404, { error: `nothing at ${urlPath}` })
  response.writeHead(200, {
    'content-type': types[path.extname(file)] ?? 'application/octet-stream',
    'content-length': stats.size,
    // An asset's name holds its hash: it never changes.
    'cache-control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache',
  })
  createReadStream(file).pipe(response)
}
