// A scripted edge: WebSockets and event streams that do exactly what a test tells them, faults first.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

import { until } from './until.js'

export type Frame = any

/** One client's WebSocket, as the server holds it. */
export class FakeSocket {
  readonly received: Frame[] = []
  isClosed = false
  /** What the client closed with. */
  closeCode = 0
  #read = 0

  constructor(readonly socket: WebSocket) {
    socket.on('message', (text) => this.received.push(JSON.parse(String(text))))
    socket.on('close', (code) => {
      this.isClosed = true
      this.closeCode = code
    })
  }

  /** The next frame that the client sends. */
  async next(): Promise<Frame> {
    await until('a frame', () => this.received.length > this.#read)
    return this.received[this.#read++]
  }

  send(frame: unknown): void {
    this.raw(JSON.stringify(frame))
  }

  raw(text: string | Buffer): void {
    this.socket.send(text)
  }

  /** Waits for a subscribe frame and answers that it stands behind `id`. */
  async accept(id: string, key = 'room?id=1', subject: string | null = null): Promise<Frame> {
    const frame = await this.next()
    if (frame.type !== 'tako.subscribe') throw new Error(`not a subscribe: ${frame.type}`)
    const { lastMessageId, presence } = frame.data
    const kind = presence === true ? 'list' : presence
    const data = {
      ref: frame.ref,
      id,
      subject,
      resumed: lastMessageId !== undefined,
      presence: kind,
    }
    this.send({ type: 'tako.ready', data, key })
    return frame
  }

  /** Waits for a subscribe frame, and refuses it. */
  async refuse(code: string, retryable: boolean, key?: string): Promise<Frame> {
    const frame = await this.next()
    this.error(code, retryable, frame.ref, key)
    return frame
  }

  error(code: string, retryable: boolean, ref?: unknown, key?: string): void {
    const data = { ...(ref === undefined ? {} : { ref }), code, message: code, hint: '', retryable }
    this.send({ type: 'tako.error', data, ...(key === undefined ? {} : { key }) })
  }

  message(id: string | null, data: unknown, key = 'room?id=1'): void {
    this.send({ ...(id === null ? {} : { id }), channel: 'room', type: 'say', data, key })
  }

  ack(ref: unknown, id: string | null, key = 'room?id=1'): void {
    this.send({ type: 'tako.ack', data: { ref, id }, key })
  }

  /** The whole list of who is there. */
  members(version: string, members: unknown[], key = 'room?id=1'): void {
    this.send({ type: 'tako.presence', data: { version, members }, key })
  }

  changes(after: string, version: string, changes: unknown[], key = 'room?id=1'): void {
    this.send({ type: 'tako.presence', data: { after, version, changes }, key })
  }

  occupancy(connections: number, subjects: number, key = 'room?id=1'): void {
    this.send({ type: 'tako.occupancy', data: { connections, subjects }, key })
  }

  close(code: number, reason = ''): void {
    this.socket.close(code, reason)
  }

  /** The connection breaks without a word. */
  drop(): void {
    this.socket.terminate()
  }
}

/** One request, with its answer in the test's hands. */
export class FakeExchange {
  readonly method: string
  readonly url: URL
  readonly headers: http.IncomingHttpHeaders
  body = ''
  isClosed = false

  constructor(
    request: http.IncomingMessage,
    readonly response: http.ServerResponse,
  ) {
    this.method = request.method ?? ''
    this.url = new URL(request.url ?? '', 'http://fake')
    this.headers = request.headers
    request.setEncoding('utf8').on('data', (text) => (this.body += text))
    response.on('close', () => (this.isClosed = true))
  }

  answer(status: number, body: unknown, headers: http.OutgoingHttpHeaders = {}): void {
    this.response.writeHead(status, { 'content-type': 'application/json', ...headers })
    this.response.end(JSON.stringify(body))
  }

  refuse(status: number, code: string, headers: http.OutgoingHttpHeaders = {}): void {
    this.answer(status, { error: { code, message: code, hint: '' } }, headers)
  }

  /** Begins an event stream that stands behind `id`; without one only the head is sent. */
  stream(id?: string): void {
    this.response.writeHead(200, { 'content-type': 'text/event-stream' })
    this.response.flushHeaders()
    if (id !== undefined) this.write(`id: ${id}\n\n`)
  }

  write(text: string): void {
    this.response.write(text)
  }

  message(id: string, data: unknown): void {
    const message = { id, channel: 'room', type: 'say', data }
    this.write(`id: ${id}\ndata: ${JSON.stringify(message)}\n\n`)
  }

  event(type: string, data: unknown): void {
    this.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  end(): void {
    this.response.end()
  }

  drop(): void {
    this.response.destroy()
  }
}

export class FakeServer {
  /** Every WebSocket handshake that came, accepted or not. */
  handshakes = 0
  /** While true, handshakes are left without an answer. */
  isStalled = false
  readonly sockets: FakeSocket[] = []
  readonly exchanges: FakeExchange[] = []
  url = ''
  #readSockets = 0
  #readExchanges = 0
  readonly #held: Duplex[] = []
  readonly #server = http.createServer((request, response) => {
    const exchange = new FakeExchange(request, response)
    request.on('end', () => this.exchanges.push(exchange))
    request.resume()
  })
  readonly #upgrader = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has('tako.v1') ? 'tako.v1' : false),
  })

  static async start(): Promise<FakeServer> {
    const server = new FakeServer()
    server.#server.on('upgrade', (request, socket, head) => {
      server.handshakes += 1
      if (server.isStalled) return void server.#held.push(socket)
      server.#upgrader.handleUpgrade(request, socket, head, (webSocket) => {
        server.sockets.push(new FakeSocket(webSocket))
      })
    })
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    server.url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`
    return server
  }

  async nextSocket(): Promise<FakeSocket> {
    await until('a WebSocket', () => this.sockets.length > this.#readSockets)
    return this.sockets[this.#readSockets++] as FakeSocket
  }

  async nextExchange(): Promise<FakeExchange> {
    await until('a request', () => this.exchanges.length > this.#readExchanges)
    return this.exchanges[this.#readExchanges++] as FakeExchange
  }

  async stop(): Promise<void> {
    for (const { socket } of this.sockets) socket.terminate()
    for (const socket of this.#held) socket.destroy()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
