// A Tako behind an HTTPS proxy, on ports that the kernel chose: the app, broker, edge, and the proxy
// with the configuration that deploy/ gives for it.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { fetchText } from './https_clients.mjs'

const patienceMs = 15_000
const pollMs = 20
const portTries = 5
const deploy = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../deploy')

const definitions = [
  { name: 'wire', auth: {}, transport: 'ws', handlers: { say: 'relay' } },
  { name: 'feed', auth: false, transport: 'sse' },
]

export async function until(what, condition) {
  const deadline = Date.now() + patienceMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${typeof what === 'function' ? what() : what}`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

// What an operator changes in the example, and what keeps the proxy inside `folder`.
const proxies = {
  caddy: {
    arguments: (folder) => ['run', '--adapter', 'caddyfile', '--config', path.join(folder, 'proxy.conf')],
    configuration: (folder, port, edge) => {
      const global = '{\n\tadmin off\n\tauto_https disable_redirects\n}\n'
      const tls = `\ttls ${path.join(folder, 'cert.pem')} ${path.join(folder, 'key.pem')}\n`
      return global + readFileSync(path.join(deploy, 'caddy/Caddyfile'), 'utf8')
        .replace('example.com {\n', `https://localhost:${port} {\n\tbind 127.0.0.1\n${tls}`)
        .replace('reverse_proxy 127.0.0.1:8080\n', `reverse_proxy ${edge}\n`)
    },
  },
  nginx: {
    arguments: (folder) => ['-p', folder, '-c', path.join(folder, 'proxy.conf'), '-e', 'stderr'],
    configuration: (folder, port, edge) => {
      const server = readFileSync(path.join(deploy, 'nginx/tako.conf'), 'utf8')
        .replace('listen 443', `listen 127.0.0.1:${port}`)
        .replace('server_name example.com', 'server_name localhost')
        .replace('/etc/ssl/example.com.pem', path.join(folder, 'cert.pem'))
        .replace('/etc/ssl/example.com.key', path.join(folder, 'key.pem'))
        .replace('server 127.0.0.1:8080;', `server ${edge};`)
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((kind) => `${kind}_temp_path ${path.join(folder, kind)};`).join('\n')
      return `${process.getuid() === 0 ? 'user root;' : ''} daemon off; pid ${path.join(folder, 'pid')};
        events {} http { access_log off; ${temporary}\n${server}\n}`
    },
  },
}

export class Stack {
  #folder = mkdtempSync(path.join(os.tmpdir(), 'tako-https-'))
  #children = []
  #app
  #build
  #edgeArguments
  edge // the process
  authorizations = [] // the bodies of the app's authorize calls
  appRequests = [] // {url, headers} of what was passed to the app

  static async start(proxy, build) {
    const stack = new Stack()
    stack.#build = build
    try {
      await stack.#startTako()
      await stack.#startProxy(proxy)
    } catch (failure) {
      await stack.stop()
      throw failure
    }
    return stack
  }

  /** Options of a request to the proxy. From 127.0.0.2, to be told from the proxy's own address. */
  to(target, more = {}) {
    return {
      host: '127.0.0.1', servername: 'localhost', port: this.port, path: target, ca: this.#read('cert.pem'),
      localAddress: '127.0.0.2', ...more,
      headers: { Host: `localhost:${this.port}`, ...more.headers },
    }
  }

  /** Another edge process takes everything over from the one that runs. */
  async handOver() {
    const old = this.edge
    const address = await this.#startEdge(['--takeover'])
    if (address !== this.edgeAddress) throw new Error(`the new edge listens at ${address}`)
    await until('the old edge to end', () => old.exitCode !== null)
    if (old.exitCode !== 0) throw new Error(`the old edge ended with ${old.exitCode}:\n${old.said}`)
  }

  publish(channel, data) {
    return this.#appApi('POST', `/v1/channels/${channel}/messages`, { type: 'say', data })
  }

  async stop() {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      await exited
      clearTimeout(timer)
    }
    this.#app?.closeAllConnections()
    await new Promise((resolve) => (this.#app ? this.#app.close(resolve) : resolve()))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #startTako() {
    const app = await this.#startApp()
    this.#write('secret', 'a-secret\n')
    const toml = this.#write('tako.toml', 'trusted_proxies = ["127.0.0.1"]\n[[apps]]\nid = "default"\n' +
      'keys = [{ key = "k1", secret = "long-secret" }]\n')
    const socket = this.#file('app.sock')
    const link = this.#file('link')
    const broker = this.#spawn('tako-broker', ['--config', toml, '--app-socket', socket, '--link', link,
      '--data-dir', this.#file('data'), '--log', 'memory'])
    const isUp = () => this.#appApi('GET', '/readyz').then(({ status }) => status === 200, () => false)
    await until(() => `the broker: ${broker.said}`, isUp)
    const { status } = await this.#appApi('PUT', '/v1/definitions', { definitions })
    if (status !== 200) throw new Error(`definitions: ${status}`)
    this.#edgeArguments = ['--config', toml, '--listen', '127.0.0.1:0', '--link', link,
      '--upstream', `http://127.0.0.1:${app}`, '--app-secret-file', this.#file('secret'),
      '--drain-ms', '200']
    this.edgeAddress = await this.#startEdge([])
  }

  /** Its address, once it serves. */
  #startEdge(more) {
    this.edge = this.#spawn('tako-edge', [...this.#edgeArguments, ...more])
    return new Promise((resolve, reject) => {
      createInterface(this.edge.stdout).once('line', resolve).once('close', () => reject(new Error('no edge')))
    })
  }

  async #startProxy(name) {
    const proxy = proxies[name]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
      '-keyout', this.#file('key.pem'), '-out', this.#file('cert.pem')], { stdio: 'pipe' })
    for (let tries = 1; ; tries += 1) {
      this.port = await freePort() // Somebody may take it before the proxy does: then another.
      this.#write('proxy.conf', proxy.configuration(this.#folder, this.port, this.edgeAddress))
      const child = this.#spawn(name, proxy.arguments(this.#folder))
      const isUp = () => fetchText(this.to('/hello')).then(({ status }) => status === 200, () => false)
      await until(() => `${name}\n${child.said}`, async () => child.exitCode !== null || (await isUp()))
      if (child.exitCode === null) return
      if (tries === portTries) throw new Error(`${name} does not start:\n${child.said}`)
    }
  }

  #startApp() {
    this.#app = http.createServer((request, response) => {
      let body = ''
      request.on('data', (piece) => (body += piece)).on('end', () => {
        if (request.url === '/channels/authorize') {
          this.authorizations.push(JSON.parse(body))
          response.setHeader('Content-Type', 'application/json')
          response.end('{"ok":true,"subject":"somebody"}')
          return
        }
        this.appRequests.push({ url: request.url, headers: request.headers })
        response.end('the app')
      })
    })
    return new Promise((resolve) => {
      this.#app.listen(0, '127.0.0.1', () => resolve(this.#app.address().port))
    })
  }

  #spawn(program, args) {
    const isOurs = program.startsWith('tako-')
    const env = { PATH: `${process.env.PATH}:/usr/sbin`, HOME: this.#folder, XDG_DATA_HOME: this.#folder,
      XDG_CONFIG_HOME: this.#folder }
    const child = spawn(isOurs ? path.join(this.#build, program) : program, args, { env })
    child.said = ''
    child.on('error', (failure) => (child.said += failure))
    child.stderr.setEncoding('utf8').on('data', (text) => (child.said += text))
    if (!isOurs) child.stdout.resume()
    this.#children.push(child)
    return child
  }

  #appApi(method, target, body) {
    const text = body ? JSON.stringify(body) : ''
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#file('app.sock'), method, path: target, agent: false,
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) } }
      http.request(options, (response) => {
        let answer = ''
        response.on('data', (piece) => (answer += piece))
        response.on('end', () => resolve({ status: response.statusCode, text: answer }))
      }).on('error', reject).end(text)
    })
  }

  #file(name) {
    return path.join(this.#folder, name)
  }
  #read(name) {
    return readFileSync(this.#file(name))
  }
  #write(name, text) {
    writeFileSync(this.#file(name), text, { mode: 0o600 })
    return this.#file(name)
  }
}
