// A scripted app socket: answers each request as told, and remembers what it was sent.
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'

export interface Received {
  method: string
  target: string
  headers: http.IncomingHttpHeaders
  body: any
}

/** What to do with one request: an answer, a cut connection, silence, or silence amid the answer. */
export type Step =
  { status: number; body?: unknown; headers?: Record<string, string> } | 'cut' | 'silence' | 'half'

export class AppServer {
  readonly received: Received[] = []
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'tako-app-'))
  readonly socketPath = path.join(this.#folder, 'app.sock')
  readonly #server = http.createServer((request, response) => this.#take(request, response))
  readonly #script: (received: Received, index: number) => Step
  connections = 0

  private constructor(script: (received: Received, index: number) => Step) {
    this.#script = script
    this.#server.on('connection', () => (this.connections += 1))
  }

  static async start(script: (received: Received, index: number) => Step): Promise<AppServer> {
    const server = new AppServer(script)
    await new Promise<void>((resolve) => server.#server.listen(server.socketPath, resolve))
    return server
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    let text = ''
    request.setEncoding('utf8').on('data', (piece) => (text += piece))
    request.on('end', () => {
      const received = {
        method: request.method ?? '',
        target: request.url ?? '',
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
      }
      this.received.push(received)
      const step = this.#script(received, this.received.length - 1)
      if (step === 'silence') return
      if (step === 'cut') return void request.socket.destroy()
      if (step === 'half') return void response.writeHead(201).write('{"id":')
      response.writeHead(step.status, { 'Content-Type': 'application/json', ...step.headers })
      response.end(typeof step.body === 'string' ? step.body : JSON.stringify(step.body ?? {}))
    })
  }
}
