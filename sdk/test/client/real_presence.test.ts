// Presence with the real programs: one list that everyone agrees on, and that does not flap.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'

import { type TakoClient, createClient } from '../../src/client/index.js'
import type {
  ClientOptions,
  PresenceChange,
  PresenceOptions,
  SubscribeOptions,
} from '../../src/client/index.js'
import { Cluster } from '../support/cluster.js'
import { FakeLocks } from '../support/fake_locks.js'
import { until } from '../support/until.js'

const graceMs = 1_500
const app = http.createServer((request, response) => {
  let body = ''
  request.on('data', (piece) => (body += piece))
  request.on('end', () => {
    const subject: string | undefined = JSON.parse(body).header?.value
    const grant = subject && { subject, presence: { name: subject.toUpperCase() } }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ok: subject !== undefined, ...grant }))
  })
})
let cluster: Cluster
const clients: TakoClient[] = []
let rooms = 0

beforeAll(async () => {
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const { port } = app.address() as AddressInfo
  cluster = await Cluster.start({ upstream: `http://127.0.0.1:${port}` })
  const id = { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] }
  const handlers = { say: 'relay' }
  await cluster.define([
    { name: 'room', paramsSchema: id, handlers, presence: { graceMs, batchMs: 20 } },
    { name: 'small', paramsSchema: id, presence: { membersMax: 1, dataBytesMax: 32 } },
    { name: 'hall', paramsSchema: id, presence: { list: 'counts', batchMs: 20 } },
    { name: 'plain', paramsSchema: id },
    { name: 'open', paramsSchema: id, auth: false, presence: true },
  ])
})
afterEach(() => clients.splice(0).forEach((client) => client.close()))
afterAll(async () => {
  await cluster.stop()
  app.closeAllConnections()
  app.close()
})

/** Sockets of a client, so that a test can break them. */
function makeClient(subject: string | null, options: ClientOptions = {}, seams = {}) {
  const sockets: WebSocket[] = []
  const Tracked = function (url: string, protocol: string) {
    const socket = new WebSocket(url, protocol)
    sockets.push(socket)
    return socket
  }
  const client = createClient(
    {
      baseUrl: cluster.url,
      WebSocket: Tracked as unknown as typeof globalThis.WebSocket,
      backoff: { firstMs: 20, maxMs: 200 },
      token: subject,
      ...options,
    },
    seams,
  )
  clients.push(client)
  return { client, sockets }
}

function watch(
  client: TakoClient,
  id: number,
  presence: true | 'counts' | PresenceOptions = true,
  options: SubscribeOptions<Record<string, unknown>> & { name?: string } = {},
) {
  const told: string[] = []
  const { name = 'room', ...rest } = options
  const subscription = client.subscribe(
    name,
    { id },
    {
      presence,
      onPresence: (changes: readonly PresenceChange[]) => {
        for (const change of changes) {
          const reason = change.action === 'leave' ? ` ${change.reason}` : ''
          told.push(`${change.action} ${change.member.subject}${reason}`)
        }
      },
      ...rest,
    },
  )
  const mine = subscription.presence
  if (mine === null) throw new Error('no presence')
  const subjects = () => mine.members.map(({ subject }) => subject).sort().join() // prettier-ignore
  const shows = (wanted: string) =>
    until(`${wanted}, not ${subjects()}`, () => subjects() === wanted)
  return { subscription, presence: mine, told, shows }
}

/** Ann watches, Bob comes. */
async function annAndBob() {
  const id = ++rooms
  const ann = watch(makeClient('ann').client, id)
  await ann.shows('ann')
  const bobs = makeClient('bob')
  const bob = watch(bobs.client, id, { data: { at: 'door' } })
  await Promise.all([ann.shows('ann,bob'), bob.shows('ann,bob')])
  return { id, ann, bob, bobs }
}

/**
 * Dan, who never comes back: when he has left, whoever was lost with him and is still there has had the
 * whole grace to leave in, and has not.
 */
async function ghost(id: number): Promise<WebSocket> {
  const socket = new WebSocket(`${cluster.url.replace('http', 'ws')}/_tako/channels`, 'tako.v1')
  await new Promise((resolve) => socket.once('open', resolve))
  socket.on('error', () => {})
  const data = { channel: 'room', params: { id }, token: 'Bearer dan' }
  socket.send(JSON.stringify({ type: 'tako.subscribe', data, ref: 1 }))
  return socket
}

/** Ann, Bob and the ghost, and what happens to all of them when `strike` strikes. */
async function survive(strike: (all: { bobs: WebSocket[]; dan: WebSocket }) => Promise<unknown>) {
  const { ann, bob, bobs, id } = await annAndBob()
  const dan = await ghost(id)
  await Promise.all([ann, bob].map(({ shows }) => shows('ann,bob,dan')))
  const before = [ann.told.length, bob.told.length]
  await strike({ bobs: bobs.sockets, dan })
  await ann.shows('ann,bob')
  await until('open', () => bob.subscription.status === 'open')
  await bob.presence.update({ at: 'home' })
  await until('the update', () => ann.told.includes('update bob'))
  expect(ann.told.slice(before[0]).sort()).toEqual(['leave dan lost', 'update bob'])
  await bob.shows('ann,bob')
  expect(bob.told.slice(before[1]).filter((text) => !text.startsWith('update'))).toHaveLength(1)
}

test('enter, update and leave are three things, and the app says the info', async () => {
  const { ann, bob, bobs } = await annAndBob()
  const shown = ann.presence.members.find(({ subject }) => subject === 'bob')
  expect(shown).toMatchObject({ info: { name: 'BOB' }, data: { at: 'door' } })
  expect(shown?.since).toBeGreaterThan(Date.now() - 60_000)
  await bob.presence.update({ at: 'desk' })
  await until('the update', () => ann.told.includes('update bob'))
  await until('his own', () => (bob.presence.self?.data as { at: string }).at === 'desk')
  bobs.client.close()
  await ann.shows('ann')
  expect(ann.told).toEqual(['present ann', 'enter bob', 'update bob', 'leave bob left'])
})

test('three connections of one user are one member, which leaves with the last', async () => {
  const { ann, bobs, id } = await annAndBob()
  const second = makeClient('bob').client
  const third = makeClient('bob').client
  await Promise.all([second, third].map((client) => watch(client, id).shows('ann,bob')))
  bobs.client.close()
  second.close()
  const { body } = await cluster.api('GET', `/v1/channels/room/presence?id=${id}`)
  expect(body.members.map(({ subject }: { subject: string }) => subject)).toEqual(['ann', 'bob'])
  third.close()
  await ann.shows('ann')
  expect(ann.told.filter((text) => text.endsWith('left'))).toEqual(['leave bob left'])
  expect(ann.told.filter((text) => text === 'enter bob')).toHaveLength(1)
})

test('a lost connection that comes back within the grace is no event', () =>
  survive(async ({ bobs, dan }) => {
    bobs.at(-1)?.terminate()
    dan.terminate()
    await until('another connection', () => bobs.length === 2)
  }))

test('who does not come back leaves once, and not before the grace is over', async () => {
  const { ann, id } = await annAndBob()
  const dan = await ghost(id)
  await ann.shows('ann,bob,dan')
  const lostMs = Date.now()
  dan.terminate()
  await ann.shows('ann,bob')
  expect(Date.now() - lostMs).toBeGreaterThanOrEqual(graceMs - 100)
  expect(ann.told.at(-1)).toBe('leave dan lost')
})

test('the edge is killed, and nobody who comes back has left', () =>
  survive(() => cluster.replaceEdge()))

test('the broker is killed and comes back: the list goes on', () =>
  survive(async ({ dan }) => {
    await cluster.broker.stop('SIGKILL')
    dan.terminate()
    await cluster.startBroker()
    await cluster.ready()
  }))

test('another edge takes over, and nobody notices', async () => {
  const { ann, bob } = await annAndBob()
  await cluster.takeOver()
  await bob.presence.update({ at: 'home' })
  await until('the update', () => ann.told.includes('update bob'))
  expect(ann.subscription.status).toBe('open')
  expect(ann.told).toEqual(['present ann', 'enter bob', 'update bob'])
})

test('enter: false listens unseen, until it enters', async () => {
  const { ann, id } = await annAndBob()
  const cid = watch(makeClient('cid').client, id, { enter: false })
  await cid.shows('ann,bob')
  expect(cid.presence.self).toBeNull()
  await cid.presence.enter({ at: 'door' })
  await ann.shows('ann,bob,cid')
  await cid.presence.leave()
  await ann.shows('ann,bob')
  expect(cid.subscription.status).toBe('open')
})

test('what is refused is told: too large, full, no presence at all', async () => {
  const id = ++rooms
  const first = watch(makeClient('ann').client, id, true, { name: 'small' })
  await first.shows('ann')
  const large = first.presence.update('x'.repeat(100))
  await expect(large).rejects.toMatchObject({ code: 'payload-too-large' })
  const second = watch(makeClient('bob').client, id, true, { name: 'small' })
  await until('full', () => second.presence.error?.code === 'presence-full')
  expect([second.subscription.status, second.presence.self]).toEqual(['open', null])
  const none = watch(makeClient('ann').client, id, true, { name: 'plain' })
  await until('off', () => none.presence.kind === 'off')
  await expect(none.presence.update(1)).rejects.toMatchObject({ code: 'presence-off' })
})

test('counts alone, where the definition or the client says so; anonymous ones count', async () => {
  const id = ++rooms
  const hall = watch(makeClient('ann').client, id, true, { name: 'hall' })
  await until('one', () => hall.presence.occupancy?.subjects === 1)
  expect([hall.presence.kind, hall.presence.members]).toEqual(['counts', []])
  const open = watch(makeClient(null).client, id, 'counts', { name: 'open' })
  watch(makeClient(null).client, id, 'counts', { name: 'open' })
  await until('two', () => open.presence.occupancy?.connections === 2)
  expect(open.presence.occupancy?.subjects).toBe(0)
})

test('over an event stream the list and its changes come as well', async () => {
  const { ann, bob, id } = await annAndBob()
  const options = { transport: 'sse' as const }
  const cid = watch(makeClient('cid').client, id, { data: { at: 'stream' } }, options)
  await Promise.all([cid.shows('ann,bob,cid'), ann.shows('ann,bob,cid')])
  const listed = ann.presence.members.find(({ subject }) => subject === 'cid')
  expect(listed?.data).toEqual({ at: 'stream' })
  await bob.presence.update({ at: 'desk' })
  await until('the update', () => cid.told.includes('update bob'))
  await expect(cid.presence.update(1)).rejects.toMatchObject({ code: 'usage-invalid' })
})

test('tabs that share a connection are one session', async () => {
  const { ann, id } = await annAndBob()
  const locks = new FakeLocks()
  const tabs = { locks, makeChannel: (name: string) => new BroadcastChannel(name) }
  const open = () => makeClient('cid', { shareTabs: true }, { tabs })
  const [first, second] = [open(), open()]
  const one = watch(first.client, id)
  await one.shows('ann,bob,cid')
  const two = watch(second.client, id, { data: 'of the second' })
  await two.shows('ann,bob,cid')
  await until('its data', () => {
    return ann.presence.members.some(({ data }) => data === 'of the second')
  })
  expect(second.sockets).toHaveLength(0)
  first.client.close() // The second takes over, in time.
  const before = ann.told.length
  await until('its own', () => second.sockets.length === 1)
  await until('open', () => two.subscription.status === 'open')
  await two.presence.update('still there')
  await until('its data', () => ann.told.length > before)
  expect(ann.told.slice(before)).toEqual(['update cid'])
})
