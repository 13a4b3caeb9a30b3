// The demo app behind the edge: serves the page, says who may join a room, publishes a counter and
// a ticker. Node's standard library only.
//
//   node server.mjs --listen unix:PATH|PORT --app-socket PATH --app-secret-file FILE
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import { parseArgs } from 'node:util'

import { AppApi } from './app_api.mjs'
import { definitions, rooms } from './definitions.mjs'
import { Ticker } from './ticker_source.mjs'
import { Tokens, cleanName } from './tokens.mjs'

const bodyBytesMax = 16 * 1024
const { values: options } = parseArgs({
  options: {
    listen: { type: 'string' },
    'app-socket': { type: 'string' },
    'app-secret-file': { type: 'string' },
  },
})
for (const name of ['listen', 'app-socket', 'app-secret-file']) {
  if (!options[name]) fail(`--${name} is missing`)
}

const secret = readFileSync(options['app-secret-file'], 'utf8').trim()
const tokens = new Tokens(secret)
const api = new AppApi(options['app-socket'])
let claps = 0

const files = new Map([
  ['/', ['page.html', 'text/html; charset=utf-8']],
  ['/page.css', ['page.css', 'text/css; charset=utf-8']],
])
for (const script of ['page', 'chat', 'connection', 'ticker', 'backoff', 'journal']) {
  files.set(`/${script}.mjs`, [`${script}.mjs`, 'text/javascript; charset=utf-8'])
}

const routes = {
  'POST /channels/authorize': authorize,
  'POST /session': openSession,
  'GET /settings': (request, response) =>
    sendJson(response, 200, { rooms, curl: curlLine('lobby') }),
  'GET /claps': (request, response) => sendJson(response, 200, { claps }),
  'POST /claps': clap,
}

const server = http.createServer(async (request, response) => {
  const path = request.url.split('?', 1)[0]
  try {
    const route = routes[`${request.method} ${path}`]
    if (route) await route(request, response)
    else if (request.method === 'GET' && files.has(path)) sendFile(response, ...files.get(path))
    else sendJson(response, 404, { error: `nothing at ${path}` })
  } catch (failure) {
    console.error(`demo: ${request.method} ${path}: ${failure.message}`)
    if (!response.headersSent) sendJson(response, failure.httpStatus ?? 502, { error: failure.message })
  }
})

/** The edge asks whether a client may join; only the edge knows the secret. */
async function authorize(request, response) {
  if (!sameSecret(request.headers['x-tako-internal-token'])) {
    return sendJson(response, 403, { ok: false })
  }
  const call = await readJson(request)
  const subject = tokens.verify(call.header?.value) ?? tokens.verify(call.cookie)
  const ok = call.channel === 'chat' && subject !== null && rooms.includes(call.params?.room)
  if (!ok) return sendJson(response, 403, { ok: false })
  sendJson(response, 200, { ok, subject, ttlMs: 10_000 })
}

/** A name becomes a token: as a cookie for the browser, in the body for everything else. */
async function openSession(request, response) {
  const name = cleanName((await readJson(request)).name)
  const token = tokens.issue(name)
  response.setHeader('set-cookie', `demo_token=${token}; Path=/; HttpOnly; SameSite=Strict`)
  sendJson(response, 200, { name, token })
}

/** The usual way of a backend: change the state first, then publish what changed. */
async function clap(request, response) {
  claps += 1
  await api.publish('counter', 'claps', { claps, at: Date.now() })
  sendJson(response, 200, { claps })
}

function sameSecret(given) {
  const digest = (text) => createHash('sha256').update(String(text ?? '')).digest()
  return timingSafeEqual(digest(given), digest(secret))
}

async function readJson(request) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > bodyBytesMax) throw Object.assign(new Error('body too large'), { httpStatus: 413 })
  }
  try {
    return JSON.parse(text || '{}')
  } catch {
    throw Object.assign(new Error('the body is not JSON'), { httpStatus: 400 })
  }
}

function sendJson(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(value))
}

function sendFile(response, name, type) {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' })
  response.end(readFileSync(new URL(name, import.meta.url)))
}

function curlLine(room) {
  const body = JSON.stringify({ type: 'msg', data: { text: 'hello from a terminal', name: 'curl' } })
  const url = `http://tako/v1/channels/chat/messages?room=${room}`
  return `curl --unix-socket ${options['app-socket']} '${url}' -d '${body}'`
}

function fail(message) {
  console.error(`demo: ${message}`)
  process.exit(2)
}

function listen() {
  const unixPath = options.listen.match(/^unix:(.+)$/)?.[1]
  server.on('error', (failure) => fail(`cannot listen on ${options.listen}: ${failure.message}`))
  if (unixPath) rmSync(unixPath, { force: true }) // Left behind by a run that was killed.
  server.listen(unixPath ? { path: unixPath } : { host: '127.0.0.1', port: Number(options.listen) })
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0))
await api.putDefinitions(definitions)
console.log('demo: definitions registered')
listen() // Only now: a page that opens at once finds its channels.
new Ticker(api).start()
