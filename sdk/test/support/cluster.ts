// The real broker and edge in a temporary folder, on free ports, for tests of what a user sees.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { until } from './until.js'

// Not `new URL('…', import.meta.url)`: for a test in jsdom vite makes that an address of the page.
const root = path.resolve(fileURLToPath(import.meta.url), '../../../..')
const build = process.env.TAKO_BUILD_DIR ?? path.join(root, 'build')

export interface ClusterOptions {
  /** The app behind the edge: `http://127.0.0.1:<port>` or `unix:<path>`. */
  upstream?: string
  edgeArguments?: string[]
  brokerArguments?: string[]
}

/** One of the product's programs. */
export class Program {
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  output = ''
  errors = ''

  constructor(name: string, args: string[]) {
    const program = path.join(build, name)
    // With setpriv the kernel ends it with this process, however that ends.
    const guarded = ['--pdeathsig', 'KILL', program, ...args]
    this.process = spawn('/usr/bin/setpriv', guarded, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process.stdout?.setEncoding('utf8').on('data', (text) => (this.output += text))
    this.process.stderr?.setEncoding('utf8').on('data', (text) => (this.errors += text))
    this.ended = new Promise((resolve) => this.process.on('exit', (code) => resolve(code)))
  }

  /** What the pattern's first group matches on stdout; waits for it. */
  async says(pattern: RegExp): Promise<string> {
    await until(`${pattern} in ${this.errors}`, () => {
      return pattern.test(this.output) || this.process.exitCode !== null
    })
    const match = pattern.exec(this.output)
    if (match === null) throw new Error(`the program ended: ${this.errors}`)
    return match[1] ?? ''
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.process.kill(signal)
    await this.ended
  }
}

/** A broker and an edge. `await Cluster.start()`, and `await cluster.stop()` in the end. */
export class Cluster {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'tako-sdk-'))
  readonly appSocket = path.join(this.folder, 'app.sock')
  readonly secret = 'the-secret-of-the-tests'
  /** `http://127.0.0.1:<port>` of the edge. */
  url = ''
  broker!: Program
  edge!: Program
  readonly #options: ClusterOptions

  private constructor(options: ClusterOptions) {
    this.#options = options
    writeFileSync(path.join(this.folder, 'secret'), `${this.secret}\n`, { mode: 0o600 })
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options)
    await cluster.startBroker()
    cluster.edge = cluster.#spawnEdge('127.0.0.1:0', [])
    const address = await cluster.edge.says(/^(127\.0\.0\.1:\d+)$/m)
    cluster.url = `http://${address}`
    await cluster.ready()
    return cluster
  }

  async startBroker(): Promise<void> {
    this.broker = new Program('tako-broker', [
      '--app-socket', this.appSocket,
      '--link', path.join(this.folder, 'link.sock'),
      '--data-dir', path.join(this.folder, 'data'),
      ...(this.#options.brokerArguments ?? []),
    ]) // prettier-ignore
    await until('the broker', async () => {
      const { process, errors } = this.broker
      if (process.exitCode !== null) throw new Error(`the broker ended: ${errors}`)
      return (await this.api('GET', '/readyz')).status === 200
    })
  }

  /** Until the edge answers with the broker behind it. */
  async ready(): Promise<void> {
    await until('the edge', async () => {
      const response = await fetch(`${this.url}/_tako/channels/not%20a%20name`).catch(() => null)
      return response !== null && response.status !== 503
    })
  }

  /** Ends the edge at once and starts another on the same address. */
  async replaceEdge(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.edge.stop(signal)
    this.edge = this.#spawnEdge(new URL(this.url).host, [])
    await this.edge.says(/^(127\.0\.0\.1:\d+)$/m)
    await this.ready()
  }

  /** A new edge takes over the running one, clients included. */
  async takeOver(): Promise<void> {
    const old = this.edge
    this.edge = this.#spawnEdge(new URL(this.url).host, ['--takeover'])
    await this.edge.says(/^(127\.0\.0\.1:\d+)$/m)
    await old.ended
  }

  /** A request on the app socket. */
  api(method: string, target: string, body?: unknown): Promise<{ status: number; body: any }> {
    return new Promise((resolve) => {
      const options = { socketPath: this.appSocket, method, path: target }
      const request = http.request(options, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece) => (text += piece))
        response.on('end', () => {
          const isJson = /json/.test(response.headers['content-type'] ?? '')
          resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text })
        })
      })
      request.on('error', (failure) => resolve({ status: 0, body: failure.message }))

      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  async define(definitions: unknown[]): Promise<void> {
    const { status, body } = await this.api('PUT', '/v1/definitions', { definitions })
    if (status !== 200) throw new Error(`PUT /v1/definitions: ${status} ${JSON.stringify(body)}`)
  }

  /** Publishes through the app socket; the stored message. */
  async publish(target: string, type: string, data: unknown): Promise<{ id: string }> {
    const [name, query] = target.split('?')
    const route = `/v1/channels/${encodeURIComponent(name ?? '')}/messages${query ? `?${query}` : ''}`
    const { status, body } = await this.api('POST', route, { type, data })
    if (status !== 201) throw new Error(`publish: ${status} ${JSON.stringify(body)}`)
    return body
  }

  async stop(): Promise<void> {
    await this.edge.stop()
    await this.broker.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #spawnEdge(listen: string, more: string[]): Program {
    const { upstream, edgeArguments } = this.#options
    return new Program('tako-edge', [
      '--listen', listen,
      '--link', path.join(this.folder, 'link.sock'),
      '--app-secret-file', path.join(this.folder, 'secret'),
      '--drain-ms', '200',
      ...(upstream === undefined ? [] : ['--upstream', upstream]),
      ...(edgeArguments ?? []),
      ...more,
    ]) // prettier-ignore
  }
}
