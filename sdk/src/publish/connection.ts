// One HTTP exchange with the server, over the broker's unix socket or an edge: bounded and pooled.
import http from 'node:http'
import https from 'node:https'

import { TakoError } from '../error.js'
import type { Patience } from './patience.js'
import { Slots } from './slots.js'

/** An edge's address and a pair of its `keys` (docs/configuration.md). */
export interface EdgeAddress {
  /** `https://realtime.example.com` */
  url: string
  key: string
  secret: string
}

export interface ConnectionOptions {
  /** The broker's app socket. */
  socketPath?: string
  /** In place of it, for an app on another machine. */
  edge?: EdgeAddress
  /** The app's id, needed when the server has several. */
  app?: string
  /** Requests at a time, each on a connection of its own. Default 32. */
  connectionsMax?: number
  /** Requests that may wait for one; more are refused with `queue-full`. Default 1,000. */
  queueMax?: number
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT'
  /** As on the app socket: `/v1/…`. */
  path: string
  body?: string
  headers?: http.OutgoingHttpHeaders
}

export interface Reply {
  status: number
  body: unknown
  retryAfter: string | null
}

// Above the largest answer: a batch of 4 MiB comes back with its ids around it.
const replyBytesMax = 16 * 1024 * 1024

export class Connection {
  readonly #agent: http.Agent
  readonly #slots: Slots
  readonly #base: http.RequestOptions
  readonly #prefix: string
  readonly #where: string
  readonly #request: typeof http.request

  constructor({ socketPath, edge, app, connectionsMax = 32, queueMax = 1000 }: ConnectionOptions) {
    const url = edge === undefined ? undefined : readUrl(edge.url)
    const isSecure = url?.protocol === 'https:'
    const pool = { keepAlive: true, maxSockets: connectionsMax, maxFreeSockets: connectionsMax }
    this.#agent = isSecure ? new https.Agent(pool) : new http.Agent(pool)
    this.#request = isSecure ? https.request : http.request
    this.#slots = new Slots(connectionsMax, queueMax)
    this.#prefix = url === undefined ? '' : '/_tako/api'
    this.#where = url === undefined ? `the app socket ${socketPath}` : `the edge ${url.origin}`
    const headers: http.OutgoingHttpHeaders = { Accept: 'application/json' }
    if (app !== undefined) headers['Tako-App'] = app
    if (edge !== undefined) headers.Authorization = `Bearer ${edge.key}:${edge.secret}`
    this.#base = {
      agent: this.#agent,
      headers,
      ...(url === undefined
        ? { socketPath }
        : { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port }),
    }
  }

  /**
   * Sends one request and reads the whole answer, whatever its status.
   * @throws {TakoError} as a rejection: `connection-failed`, `timeout`, `aborted`, `queue-full`,
   *   `answer-malformed`. Whether the server has acted is then unknown, but for `queue-full`
   */
  async exchange(call: Call, patience: Patience): Promise<Reply> {
    patience.check()
    const giveBack = await this.#slots.take(patience)
    try {
      return await this.#send(call, patience)
    } finally {
      giveBack()
    }
  }

  /** Ends its connections; call it when nothing is in flight. */
  close(): void {
    this.#agent.destroy()
  }

  #send({ method, path, body, headers }: Call, patience: Patience): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = this.#request({
        ...this.#base,
        method,
        path: this.#prefix + path,
        headers: {
          ...(this.#base.headers as http.OutgoingHttpHeaders),
          ...headers,
          ...(body === undefined ? {} : bodyHeaders(body)),
        },
      })
      // Kept: in the middle of an answer, destroying the request is told as a broken connection.
      let ended: TakoError | undefined
      const stop = patience.onEnd((why) => {
        ended = why
        request.destroy(why)
      })
      const fail = (failure: Error) => {
        stop()
        if (ended !== undefined || failure instanceof TakoError) reject(ended ?? failure)
        else reject(this.#failed(failure))
      }
      request.on('error', fail)
      request.on('response', (response) => {
        readReply(response).then((reply) => {
          stop()
          resolve(reply)
        }, fail)
      })
      request.end(body)
    })
  }

  #failed(failure: NodeJS.ErrnoException): TakoError {
    const hints: Record<string, string> = {
      ENOENT: 'Is the broker running? Its --app-socket must be this path.',
      ECONNREFUSED: 'Is it running?',
      EACCES: "The app's user must be in the socket's group (docs/operations.md).",
      ENOTFOUND: 'Check the name in the address.',
    }
    return new TakoError('connection-failed', `${this.#where}: ${failure.message}`, {
      hint: hints[failure.code ?? ''] ?? '',
      cause: failure,
    })
  }
}

function readUrl(text: string): URL {
  if (/^https?:\/\/[^/]/.test(text)) return new URL(text)
  throw new TakoError('usage-invalid', `edge.url '${text}' is no http or https address`, {
    hint: "Give the edge's origin, such as https://realtime.example.com.",
  })
}

function bodyHeaders(body: string): http.OutgoingHttpHeaders {
  return { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
}

async function readReply(response: http.IncomingMessage): Promise<Reply> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > replyBytesMax) {
      throw new TakoError('answer-malformed', `an answer of more than ${replyBytesMax} bytes`)
    }
    pieces.push(piece)
  }
  return {
    status: response.statusCode ?? 0,
    body: parse(Buffer.concat(pieces).toString('utf8')),
    retryAfter: response.headers['retry-after'] ?? null,
  }
}

// Whatever is no JSON comes from something in between: its status says what it is.
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
