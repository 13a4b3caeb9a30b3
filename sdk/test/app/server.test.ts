// The app's end with the real broker and edge: definitions, callbacks and publishes.
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'

import { WebSocket } from 'ws'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'

import { type AnyChannel, type Tako, createTako, defineChannel } from '../../src/index.js'
import { Cluster, Program } from '../support/cluster.js'
import { until } from '../support/until.js'

const log = { warn: vi.fn(), error: vi.fn() }
let cluster: Cluster
let tako: Tako | undefined
const app = http.createServer((request, response) => {
  if (tako === undefined) response.writeHead(503).end()
  else tako.node(request, response)
})

beforeAll(async () => {
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const { port } = app.address() as AddressInfo
  cluster = await Cluster.start({ upstream: `http://127.0.0.1:${port}` })
})
afterAll(async () => {
  app.closeAllConnections()
  app.close()
  await cluster.stop()
})
afterEach(async () => {
  await tako?.close()
  tako = undefined
  vi.clearAllMocks()
})

function deploy(...channels: AnyChannel[]): Promise<void> {
  const { appSocket: socketPath, secret } = cluster
  tako = createTako({ channels, socketPath, secret, log })
  return tako.start()
}

function page(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${cluster.url}/_tako/channels/${path}`, { headers })
}

const chat = defineChannel('chat', {
  paramsSchema: (t) => t.Object({ roomId: t.String({ minLength: 1 }) }),
  auth: {
    cookieName: 'session',
    verify: ({ header, cookie, params }) => {
      if (params.roomId === 'broken') throw new Error('no database')
      return header?.value === 'good' || cookie === 'good' ? { subject: 'ann' } : false
    },
  },
}).$messageTypes<{ msg: { text: string } }>()

test('what start() pushed holds at once, and a redeploy replaces it at once', async () => {
  await deploy(defineChannel('feed', { auth: false }))
  expect((await page('feed/messages')).status).toBe(200)
  const strict = defineChannel('feed', {
    auth: false,
    paramsSchema: (t) => t.Object({ page: t.Integer({ minimum: 1 }) }),
  })
  await deploy(strict)
  expect((await page('feed/messages')).status).toBe(400)
  expect((await page('feed/messages?page=0')).status).toBe(400)
  expect((await page('feed/messages?page=1')).status).toBe(200)
  await deploy(chat)
  expect((await page('feed/messages?page=1')).status).toBe(404)
})

test('the edge asks verify with the header or with the cookie', async () => {
  await deploy(chat)
  const path = 'chat/messages?roomId=1'
  expect((await page(path, { Authorization: 'Bearer good' })).status).toBe(200)
  expect((await page(path, { Cookie: 'a=b; session=good' })).status).toBe(200)
  expect((await page(path, { Authorization: 'Bearer bad' })).status).toBe(403)
  expect((await page(path)).status).toBe(401)
  const headers = { Authorization: 'Bearer good' }
  expect((await page('chat/messages?roomId=broken', headers)).status).toBe(503)
  expect(log.error).toHaveBeenCalledWith(
    expect.stringContaining('nobody is let in'),
    expect.any(Error),
  )
})

test('with another secret than the edge has, nobody gets in', async () => {
  await deploy(chat)
  await tako?.close()
  tako = createTako({ channels: [chat], socketPath: cluster.appSocket, secret: 'other', log })
  const answer = await page('chat/messages?roomId=1', { Authorization: 'Bearer good' })
  expect(answer.status).toBe(403)
  expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('X-Tako-Internal-Token'))
})

test('publish, batch and history', async () => {
  await deploy(chat)
  const room = chat({ roomId: 'history' })
  const first = await room.publish({ type: 'msg', data: { text: '1' } })
  expect(first).toMatchObject({ channel: 'chat', type: 'msg', data: { text: '1' } })
  expect(['synced', 'written']).toContain(first.ack)
  const more = await room.batch([
    { type: 'msg', data: { text: '2' } },
    { type: 'msg', data: { text: '3' } },
  ])
  expect(more.map(({ data }) => data.text)).toEqual(['2', '3'])
  const { messages } = await room.history({ after: first.id ?? '' })
  expect(messages.map(({ id }) => id)).toEqual(more.map(({ id }) => id))
  expect((await chat({ roomId: 'other' }).history()).messages).toEqual([])
  await room.publish({ type: 'msg', data: { text: '4' } }, { idempotencyKey: 'k' })
  const repeat = room.publish({ type: 'msg', data: { text: 'else' } }, { idempotencyKey: 'k' })
  await expect(repeat).rejects.toMatchObject({ code: 'idempotency-key-reused', status: 409 })
  await expect(room.presence()).rejects.toMatchObject({ code: 'presence-off' })
})

test('from another machine: publishes go through an edge with a key', async () => {
  const keys = '[[apps]]\nid = "default"\nkeys = [{ key = "app", secret = "long" }]\n'
  writeFileSync(path.join(cluster.folder, 'keys.toml'), keys)
  const edge = new Program('tako-edge', [
    ...['--config', path.join(cluster.folder, 'keys.toml'), '--listen', '127.0.0.1:0'],
    ...['--name', 'keys', '--link', path.join(cluster.folder, 'link.sock')],
  ])
  const url = `http://${await edge.says(/^(127\.0\.0\.1:\d+)$/m)}`
  await deploy(chat)
  const away = createTako({ channels: [chat], edge: { url, key: 'app', secret: 'long' }, log })
  const room = chat({ roomId: 'away' })
  const { id } = await room.publish({ type: 'msg', data: { text: 'hi' } })
  expect((await room.history()).messages.map((message) => message.id)).toEqual([id])
  await away.start()
  expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('tako-channels push'))
  await away.close()
  const stranger = createTako({ channels: [chat], edge: { url, key: 'app', secret: 'no' }, log })
  const refused = room.publish({ type: 'msg', data: { text: 'hi' } })
  await expect(refused).rejects.toMatchObject({ code: 'key-invalid', status: 401 })
  await stranger.close()
  await edge.stop()
})

// Node 20 has no WebSocket of its own; that of `ws` lacks only what nobody calls here.
const openSocket = (url: string, protocol?: string | string[]) =>
  new WebSocket(url, protocol) as unknown as globalThis.WebSocket

test('a handle subscribes and connects as a client does', async () => {
  await deploy(chat)
  const room = chat({ roomId: 'handle' })
  const options = { baseUrl: cluster.url, authorization: 'good' }
  const stream = room.subscribe(options)
  const socket = room.connect({ ...options, webSocketFactory: openSocket })
  const told: string[] = []
  const opened = [stream, socket].map(({ raw, transport }) => {
    raw.addEventListener('message', (event) => {
      told.push(`${transport} ${JSON.parse((event as MessageEvent).data).data.text}`)
    })
    return new Promise((resolve) => raw.addEventListener('open', resolve, { once: true }))
  })
  await Promise.all(opened)
  await room.publish({ type: 'msg', data: { text: 'hi' } })
  await until('both', () => told.length >= 2)
  expect(told.sort()).toEqual(['sse hi', 'ws hi'])
  stream.close()
  socket.close()
})

test('publishes over a restart of the broker are delivered once, each', async () => {
  await deploy(chat)
  const room = chat({ roomId: 'restart' })
  const published: Promise<{ id?: string }>[] = []
  const publish = (from: number, to: number) => {
    for (let n = from; n < to; n += 1) {
      published.push(room.publish({ type: 'msg', data: { text: String(n) } }))
    }
  }
  publish(0, 50)
  const killed = cluster.broker.stop('SIGKILL')
  publish(50, 100)
  await killed
  publish(100, 150)
  await cluster.startBroker()
  publish(150, 200)
  const ids = (await Promise.all(published)).map(({ id }) => id)
  expect(new Set(ids).size).toBe(200)
  const { messages } = await room.history({ limit: 1000 })
  const texts = messages.map(({ data }) => Number(data.text)).sort((a, b) => a - b)
  expect(texts).toEqual(Array.from({ length: 200 }, (_, n) => n))
  await cluster.ready()
})

test('the definitions are waited for while the broker is away', async () => {
  await cluster.broker.stop()
  const started = deploy(defineChannel('late', { auth: false }))
  await cluster.startBroker()
  await started
  await cluster.ready()
  expect((await page('late/messages')).status).toBe(200)
})
