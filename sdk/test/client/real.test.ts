// The client against the real programs: what a page sees when they are killed, restarted, replaced.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'

import { type TakoClient, TakoError, createClient } from '../../src/client/index.js'
import type { ChannelMessage, Subscription, Transport } from '../../src/client/index.js'
import { Cluster } from '../support/cluster.js'
import { FakeLocks } from '../support/fake_locks.js'
import { until } from '../support/until.js'

let cluster: Cluster
const clients: TakoClient[] = []

const definitions = [
  {
    name: 'room',
    auth: false,
    paramsSchema: {
      type: 'object',
      properties: { id: { type: 'string' }, seat: { type: 'string' } },
      required: ['id'],
    },
    contextParams: ['seat'],
    handlers: { say: 'relay', typing: 'ephemeral' },
  },
  { name: 'short', auth: false, maxMessages: 5 },
]

beforeAll(async () => {
  cluster = await Cluster.start()
  await cluster.define(definitions)
})
afterEach(() => clients.splice(0).forEach((client) => client.close()))
afterAll(() => cluster.stop())

function connect(locks?: FakeLocks): TakoClient {
  const options = {
    baseUrl: cluster.url,
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    backoff: { firstMs: 20, maxMs: 200 },
    shareTabs: locks !== undefined,
  }
  const makeChannel = (name: string) => new BroadcastChannel(name)
  const client = createClient(options, locks ? { tabs: { locks, makeChannel } } : {})
  clients.push(client)
  return client
}

interface Listener {
  subscription: Subscription<Record<string, unknown>>
  received: ChannelMessage[]
  statuses: string[]
}

function listen(
  client: TakoClient,
  name: string,
  params: Record<string, unknown> | undefined,
  transport: Transport,
  options: object = {},
): Listener {
  const received: ChannelMessage[] = []
  const statuses: string[] = []
  const subscription = client.subscribe(name, params, {
    transport,
    onMessage: (message) => received.push(message),
    onStatus: (status) => statuses.push(status),
    ...options,
  })
  return { subscription, received, statuses }
}

const open = ({ subscription }: Listener) =>
  until('the subscription to be open', () => subscription.status === 'open')

/** 0, 1, 2, … as they were received. */
const numbers = ({ received }: Listener) => received.map(({ data }) => (data as { n: number }).n)

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

let lastRoom = 0
const freshRoom = () => ({ id: `r${++lastRoom}` })

describe.each(['ws', 'sse'] as const)('over %s', (transport) => {
  test('what is sent comes back with its id, and history has it', async () => {
    const listener = listen(connect(), 'room', freshRoom(), transport)
    const { id } = await listener.subscription.send('say', { n: 0 })
    await until('the message', () => listener.received.length === 1)
    expect(listener.received[0]).toEqual({ id, channel: 'room', type: 'say', data: { n: 0 } })
    expect(listener.subscription.cursor).toBe(id)
    const page = await listener.subscription.history({ limit: 10 })
    expect(page.messages).toEqual(listener.received)
  })

  test('an ephemeral type is found out, and delivered once without an id', async () => {
    const listener = listen(connect(), 'room', freshRoom(), transport)
    for (const n of [0, 1]) {
      expect(await listener.subscription.send('typing', { n })).toEqual({ id: null })
    }
    await until('both', () => listener.received.length === 2)
    expect(numbers(listener)).toEqual([0, 1])
  })

  test('a type that clients may not send is refused, and the subscription goes on', async () => {
    const listener = listen(connect(), 'room', freshRoom(), transport)
    const refused = await listener.subscription.send('shout', 1).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'type-not-allowed', retryable: false })
    await listener.subscription.send('say', { n: 0 })
    await until('the message', () => numbers(listener).length === 1)
  })

  test('nothing is lost or repeated when the edge is killed again and again', async () => {
    const room = freshRoom()
    const listener = listen(connect(), 'room', room, transport)
    await open(listener)
    for (let n = 0; n < 60; n++) {
      await cluster.publish(`room?id=${room.id}`, 'say', { n })
      if (n % 20 === 10) await cluster.replaceEdge('SIGKILL')
    }
    await until('all', () => listener.received.length >= 60)
    expect(numbers(listener)).toEqual(upTo(60))
    expect(listener.statuses).toContain('waiting')
  })

  test('an edge that leaves in order says when to come back; nothing is lost', async () => {
    const room = freshRoom()
    const listener = listen(connect(), 'room', room, transport)
    await open(listener)
    const publishing = (async () => {
      for (let n = 0; n < 100; n++) await cluster.publish(`room?id=${room.id}`, 'say', { n })
    })()
    await cluster.replaceEdge('SIGTERM')
    await publishing
    await until('all', () => listener.received.length >= 100)
    expect(numbers(listener)).toEqual(upTo(100))
  })

  test('sends survive a killed edge: each is delivered once, in order', async () => {
    const listener = listen(connect(), 'room', freshRoom(), transport)
    await open(listener)
    const sends: Promise<{ id: string | null }>[] = []
    for (let n = 0; n < 30; n++) sends.push(listener.subscription.send('say', { n }))
    await cluster.replaceEdge('SIGKILL')
    for (let n = 30; n < 60; n++) sends.push(listener.subscription.send('say', { n }))
    const ids = (await Promise.all(sends)).map(({ id }) => id)
    await until('all', () => listener.received.length >= 60)
    expect(numbers(listener)).toEqual(upTo(60))
    expect(ids).toEqual(listener.received.map(({ id }) => id))
  })

  test('a restarted broker: the subscription goes on at its cursor', async () => {
    const room = freshRoom()
    const listener = listen(connect(), 'room', room, transport)
    await open(listener)
    await cluster.publish(`room?id=${room.id}`, 'say', { n: 0 })
    await cluster.broker.stop('SIGKILL')
    await cluster.startBroker()
    await cluster.ready()
    await cluster.publish(`room?id=${room.id}`, 'say', { n: 1 })
    await until('both', () => listener.received.length >= 2)
    expect(numbers(listener)).toEqual([0, 1])
  })

  test('a takeover of the edge is not noticed', async () => {
    const room = freshRoom()
    const client = connect()
    const listener = listen(client, 'room', room, transport)
    await open(listener)
    const changes: string[] = []
    client.onStatus((status) => changes.push(status))
    const publishing = (async () => {
      for (let n = 0; n < 50; n++) await cluster.publish(`room?id=${room.id}`, 'say', { n })
    })()
    await cluster.takeOver()
    await publishing
    await until('all', () => listener.received.length >= 50)
    expect(numbers(listener)).toEqual(upTo(50))
    expect(listener.statuses).toEqual(['open'])
    expect(changes).toEqual([])
  })

  test('a gap is told, and what comes behind it waits for the reload', async () => {
    const first = await cluster.publish('short', 'tick', { n: 0 })
    for (let n = 1; n < 10; n++) await cluster.publish('short', 'tick', { n })
    const log: unknown[] = []
    let finish = () => {}
    const listener = listen(connect(), 'short', undefined, transport, {
      lastEventId: first.id,
      onMessage: ({ data }: ChannelMessage) => log.push((data as { n: number }).n),
      onGap: (gap: object) => {
        log.push(gap)
        return new Promise<void>((resolve) => (finish = resolve))
      },
    })
    await until('the gap', () => log.length === 1)
    const { id } = await cluster.publish('short', 'tick', { n: 10 })
    const head = await listener.subscription.history({ limit: 1 })
    expect(head.messages[0]?.id).toBe(id)
    expect(log).toMatchObject([{ from: first.id, reason: 'window-passed' }])
    finish()
    await until('the message', () => log.length === 2)
    expect(log[1]).toBe(10)
  })

  test('params that do not fit are final, and only this subscription ends', async () => {
    const client = connect()
    const good = listen(client, 'room', freshRoom(), transport)
    const bad = listen(client, 'room', {}, transport)
    await until('the refusal', () => bad.subscription.status === 'failed')
    expect(bad.subscription.error).toBeInstanceOf(TakoError)
    expect(bad.subscription.error?.code).toBe('params-invalid')
    await open(good)
  })
})

test('two subscriptions share one on the server, each with its own start', async () => {
  const room = freshRoom()
  const client = connect()
  for (let n = 0; n < 5; n++) await cluster.publish(`room?id=${room.id}`, 'say', { n })
  const live = listen(client, 'room', room, 'ws')
  await open(live)
  await cluster.publish(`room?id=${room.id}`, 'say', { n: 5 })
  const all = listen(client, 'room', room, 'ws', { lastEventId: '0' })
  await open(all)
  await cluster.publish(`room?id=${room.id}`, 'say', { n: 6 })
  await until('the last', () => all.received.length >= 7 && live.received.length >= 2)
  expect(numbers(all)).toEqual(upTo(7))
  expect(numbers(live)).toEqual([5, 6])
})

test('params that differ only in context lead to one subscription', async () => {
  const room = freshRoom()
  const client = connect()
  const a = listen(client, 'room', { ...room, seat: 'a' }, 'ws')
  await open(a)
  const b = listen(client, 'room', { ...room, seat: 'b' }, 'ws')
  await open(b)
  await b.subscription.send('say', { n: 0 })
  await until('both', () => a.received.length === 1 && b.received.length === 1)
})

test('with echo: false the sender alone goes without, its neighbours in the page do not', async () => {
  const room = freshRoom()
  const client = connect()
  const [sender, neighbour] = [
    listen(client, 'room', room, 'ws'),
    listen(client, 'room', room, 'ws'),
  ]
  const other = listen(connect(), 'room', room, 'ws')
  await Promise.all([open(sender), open(neighbour), open(other)])
  const { id } = await sender.subscription.send('say', { n: 0 }, { echo: false })
  await cluster.publish(`room?id=${room.id}`, 'say', { n: 1 })
  await until('all', () => other.received.length === 2 && sender.received.length === 1)
  expect(numbers(sender)).toEqual([1])
  expect(numbers(neighbour)).toEqual([0, 1])
  expect(neighbour.received).toEqual(other.received)
  expect(other.received[0]?.id).toBe(id)
})

test('tabs come and go while messages flow: each that stays has all, once, in order', async () => {
  const room = freshRoom()
  const locks = new FakeLocks()
  const tabs = Array.from({ length: 4 }, () => connect(locks))
  const listeners = tabs.map((tab) => listen(tab, 'room', room, 'ws'))
  await Promise.all(listeners.map(open))
  const sends: Promise<{ id: string | null }>[] = []
  for (let n = 0; n < 60; n++) {
    const last = listeners[3]?.subscription.send('say', { n })
    if (last) sends.push(last)
    if (n % 20 === 10) tabs[(n - 10) / 20]?.close() // The leader, each time.
    await cluster.publish(`room?id=${room.id}`, 'tick', { n: 1_000 + n })
  }
  const ids = (await Promise.all(sends)).map(({ id }) => id)
  const last = listeners[3] as Listener
  await until('all', () => last.received.length >= 120)
  const said = last.received.filter(({ type }) => type === 'say')
  expect(said.map(({ data }) => (data as { n: number }).n)).toEqual(upTo(60))
  expect(said.map(({ id }) => id)).toEqual(ids)
  const ticks = numbers(last).filter((n) => n >= 1_000)
  expect(ticks).toEqual(upTo(60).map((n) => 1_000 + n))
})
