// `make run`: starts the broker, the edge and the demo app in a state folder, tells where to look, and
// stops all of them on Ctrl-C, SIGTERM, or when one of them ends.
//
//   node deploy/run.mjs BUILD [STATE_FOLDER]      PORT=8080 chooses another first port to try
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

const deploy = path.dirname(fileURLToPath(import.meta.url))
const build = path.resolve(process.argv[2] ?? 'build')
const children = new Map() // name -> ChildProcess, of those that run
let stopping = null

/** BUILD/run by default, or a short folder when a socket's path there would be longer than the kernel takes. */
function stateFolder() {
  const folder = path.resolve(process.argv[3] ?? path.join(build, 'run'))
  if (path.join(folder, 'demo.sock.00000').length > socketPathMax) {
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

/** The first free port from `first` on. Someone may take it before the edge does: then it says so. */
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

// Each child in a group of its own, so that Ctrl-C reaches this script alone and it decides the
// order; with setpriv the kernel ends the child should this script be killed.
function start(name, command, args) {
  const guard = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM'] : []
  const [program, ...rest] = [...guard, command, ...args]
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  children.set(name, child)
  if (child.pid) console.log(`${name} (pid ${child.pid})`)
  child.on('error', (failure) => ended(name, failure.message))
  child.on('exit', (code, signal) => ended(name, signal ?? `exit status ${code}`))
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => console.log(`[${name}] ${line}`))
  }
  return child
}

function ended(name, how) {
  children.delete(name)
  if (stopping) return
  console.error(`\n${name} ended (${how}); stopping the others.`)
  stop(1)
}

/** Ends what runs, edge first so that it can tell its clients; then this script. */
function stop(status) {
  stopping ??= (async () => {
    for (const name of ['edge', 'demo', 'broker']) await stopChild(children.get(name))
    process.exit(status)
  })()
}

function stopChild(child) {
  if (!child) return
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill('SIGTERM')
  })
}

async function waitReady(what, request) {
  const deadline = Date.now() + readyTimeoutMs
  for (;;) {
    const status = await statusOf(request)
    if (status === 200 || stopping) return
    if (Date.now() > deadline) throw new Error(`${what} is not ready (last answer: ${status})`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
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

function showAddress(address, curl) {
  console.log(`
  Tako Channels runs: ${address}

  Open it in two tabs and type: each sees the other at once. Cut the connection in one tab, go on in
  the other, reconnect: what was missed arrives, in order, exactly once.

  Publish from another terminal:

    ${curl}

  Ctrl-C stops everything.
`)
}

async function run() {
  const folder = stateFolder()
  const file = (name) => path.join(folder, name)
  writeFileSync(file('secret'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
  const port = await freePort(Number(process.env.PORT ?? 8080))
  const adminPort = await freePort(port + 1000)

  start('broker', path.join(build, 'tako-broker'), [
    '--data-dir', folder, '--app-socket', file('app.sock'), '--link', file('link.sock'),
  ])
  start('demo', process.execPath, [
    path.join(deploy, 'demo/server.mjs'), '--listen', `unix:${file('demo.sock')}`,
    '--app-socket', shortest(file('app.sock')), '--app-secret-file', file('secret'),
  ])
  start('edge', path.join(build, 'tako-edge'), [
    '--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`,
    '--link', file('link.sock'), '--upstream', `unix:${file('demo.sock')}`,
    '--app-secret-file', file('secret'), '--drain-ms', '500',
  ])
  await waitReady('the broker', { socketPath: file('app.sock') })
  await waitReady('the edge', { host: '127.0.0.1', port: adminPort })
  const settings = { host: '127.0.0.1', port, path: '/settings' } // Through the edge's proxy.
  await waitReady('the demo app', settings)
  if (stopping) return

  const address = `http://127.0.0.1:${port}`
  const { curl } = await (await fetch(`${address}${settings.path}`)).json()
  showAddress(address, curl)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0))
run().catch((failure) => {
  console.error(`make run: ${failure.message}`)
  stop(1)
})
