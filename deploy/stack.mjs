// The broker, the edge and the example app in a state folder: starts them, replaces one under the
// others, stops them. Used by `make run` and by the tests in a browser.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const readyTimeoutMs = 15_000
const pollMs = 50
const stopTimeoutMs = 3_000
const portsTried = 100
const socketPathMax = 107 // sun_path of unix(7), less its terminating zero

const app = fileURLToPath(new URL('../sdk/examples/rooms/dist/server/main.js', import.meta.url))

export class Stack {
  /** `http://127.0.0.1:<port>` of the edge, once started. */
  address = ''
  #build
  #folder
  #environment
  #onLine
  #onEnd
  #edgeArguments = []
  #running = new Map() // name -> ChildProcess
  #adminPort = 0
  #stopping = null
  #failure = null // That one ended which nobody stopped.

  /**
   * `build` holds the programs; `folder` is for what they write, made when it is missing;
   * `environment` goes to the app, over what it gets anyway. `onLine(text)` gets what they print,
   * `onEnd(name, how)` is called when one ends that nobody stopped.
   */
  constructor({ build, folder, environment = {}, onLine = () => {}, onEnd = () => {} }) {
    this.#build = path.resolve(build)
    this.#folder = shortEnough(path.resolve(folder))
    this.#environment = environment
    this.#onLine = onLine
    this.#onEnd = onEnd
  }

  file(name) {
    return path.join(this.#folder, name)
  }

  /** On the first free port from `firstPort` on; resolves when the page can be opened. */
  async start(firstPort) {
    writeFileSync(this.file('secret'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
    const port = await freePort(firstPort)
    this.#adminPort = await freePort(port + 1000)
    this.#edgeArguments = [
      '--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${this.#adminPort}`,
      '--link', this.file('link.sock'), '--upstream', `unix:${this.file('app-http.sock')}`,
      '--app-secret-file', this.file('secret'), '--drain-ms', '500',
    ]
    this.#startBroker()
    this.#startApp()
    this.#start('edge', path.join(this.#build, 'tako-edge'), this.#edgeArguments)
    this.address = `http://127.0.0.1:${port}`
    await this.#waitReady('the broker', { socketPath: this.file('app.sock') })
    await this.edgeReady()
    await this.#waitReady('the app', { host: '127.0.0.1', port, path: '/api/settings' })
  }

  edgeReady() {
    return this.#waitReady('the edge', { host: '127.0.0.1', port: this.#adminPort })
  }

  /** A new edge takes over the running one, clients included; resolves when the old has ended. */
  async takeOver() {
    const old = this.#forget('edge')
    const ended = whenEnded(old)
    this.#start('edge', path.join(this.#build, 'tako-edge'), [...this.#edgeArguments, '--takeover'])
    await ended
    await this.edgeReady()
  }

  /** The edge is killed and started anew: every client loses its connection. */
  async killEdge() {
    const old = this.#forget('edge')
    const ended = whenEnded(old)
    old.kill('SIGKILL')
    await ended
    this.#start('edge', path.join(this.#build, 'tako-edge'), this.#edgeArguments)
    await this.edgeReady()
  }

  /** The broker is stopped and started anew, on its log. */
  async restartBroker(signal = 'SIGTERM') {
    const old = this.#forget('broker')
    const ended = whenEnded(old)
    old.kill(signal)
    await ended
    this.#startBroker()
    await this.#waitReady('the broker', { socketPath: this.file('app.sock') })
    await this.edgeReady()
  }

  /** Ends what runs: the edge first, so that it can tell its clients. */
  stop() {
    this.#stopping ??= (async () => {
      for (const name of ['edge', 'app', 'broker']) await stopChild(this.#running.get(name))
    })()
    return this.#stopping
  }

  #startBroker() {
    this.#start('broker', path.join(this.#build, 'tako-broker'), [
      '--data-dir', this.#folder, '--app-socket', this.file('app.sock'),
      '--link', this.file('link.sock'),
    ])
  }

  #startApp() {
    this.#start('app', process.execPath, [app], {
      LISTEN: `unix:${this.file('app-http.sock')}`,
      TAKO_APP_SOCKET: shortest(this.file('app.sock')),
      TAKO_APP_SECRET_FILE: this.file('secret'),
      SESSION_KEY: randomBytes(32).toString('hex'),
      ...this.#environment,
    })
  }

  // Each in a group of its own, so that Ctrl-C reaches the caller alone and it decides the order;
  // with setpriv the kernel ends the program should the caller be killed.
  #start(name, command, args, environment = {}) {
    const guard = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM'] : []
    const [program, ...rest] = [...guard, command, ...args]
    const child = spawn(program, rest, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    })
    this.#running.set(name, child)
    if (child.pid) this.#onLine(`${name} (pid ${child.pid})`)
    child.on('error', (failure) => this.#ended(name, child, failure.message))
    child.on('exit', (code, signal) => this.#ended(name, child, signal ?? `exit status ${code}`))
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#onLine(`[${name}] ${line}`))
    }
  }

  #ended(name, child, how) {
    if (this.#running.get(name) !== child) return // Replaced.
    this.#running.delete(name)
    if (this.#stopping !== null) return
    this.#failure ??= `${name} ended (${how})`
    this.#onEnd(name, how)
  }

  /** Its end is nobody's surprise from now on. */
  #forget(name) {
    const child = this.#running.get(name)
    if (child === undefined) throw new Error(`the ${name} does not run`)
    this.#running.delete(name)
    return child
  }

  async #waitReady(what, request) {
    const deadline = Date.now() + readyTimeoutMs
    for (;;) {
      const status = await statusOf(request)
      if (status === 200 || this.#stopping !== null) return
      if (this.#failure !== null) throw new Error(this.#failure)
      if (Date.now() > deadline) throw new Error(`${what} is not ready (last answer: ${status})`)
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }
}

/** The folder, or a short one when a socket's path there would be longer than the kernel takes. */
function shortEnough(folder) {
  if (path.join(folder, 'app-http.sock.00000').length > socketPathMax) {
    return mkdtempSync(path.join(os.tmpdir(), 'tako-run-'))
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** From where the user stands, if that is shorter: it is printed for pasting. */
function shortest(file) {
  const relative = path.relative('', file)
  return relative.length < file.length ? relative : file
}

/** The first free port from `first` on. Should someone take it before the edge, it says so. */
async function freePort(first) {
  for (let port = first; port < first + portsTried; port += 1) {
    if (await isFree(port)) return port
  }
  throw new Error(`no free port from ${first} to ${first + portsTried - 1}`)
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = net.createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

function statusOf(request) {
  return new Promise((resolve) => {
    http
      .get({ path: '/readyz', ...request, timeout: 1_000 }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode))
      })
      .on('timeout', function onTimeout() {
        this.destroy(new Error('no answer in time'))
      })
      .on('error', (failure) => resolve(failure.message))
  })
}

function whenEnded(child) {
  return new Promise((resolve) => child.once('exit', resolve))
}

async function stopChild(child) {
  if (child === undefined) return
  const ended = whenEnded(child)
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  child.kill('SIGTERM')
  await ended
  clearTimeout(timer)
}
