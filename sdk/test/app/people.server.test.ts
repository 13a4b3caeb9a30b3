// The app's part in what people do, with the real broker and edge: it decides about their messages, sees who
// is there, is told who comes and goes, and takes permissions back.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

import { WebSocket } from 'ws'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'

import { type TakoClient, createClient } from '../../src/client/index.js'
import type { ChannelMessage } from '../../src/client/index.js'
import {
  RejectError,
  type Tako,
  type WebhookEvent,
  createTako,
  defineChannel,
  reject,
} from '../../src/index.js'
import { Cluster } from '../support/cluster.js'
import { until } from '../support/until.js'

const log = { warn: vi.fn(), error: vi.fn() }
const handled: string[] = []
const events: WebhookEvent[] = []
let isDown = false
let isFailing = false
let rights: ('subscribe' | 'publish')[] | null = null

const room = defineChannel('room', {
  paramsSchema: (t) => t.Object({ id: t.Integer() }),
  auth: {
    verify: ({ header }) =>
      header !== undefined && {
        subject: header.value,
        presence: { name: header.value.toUpperCase() },
        ...(rights === null ? {} : { rights }),
      },
  },
  handler: {
    say: async (data: { text: string }, { subject, idempotencyKey }) => {
      handled.push(`${subject} ${data.text} ${idempotencyKey === undefined ? '' : 'key'}`)
      if (data.text === 'slow') await new Promise((resolve) => setTimeout(resolve, 300))
      if (data.text === '') throw new RejectError('Say something.')
      if (data.text === 'rude') reject('Mind your words.')
      if (data.text === 'crash') throw new Error('no database')
      if (data.text === 'secret') return undefined
      return { text: data.text.trim() }
    },
  },
  presence: { graceMs: 500, batchMs: 20 },
  webhooks: true,
}).$messageTypes<{ say: { text: string }; told: number }>()

let cluster: Cluster
let tako: Tako
const clients: TakoClient[] = []
let rooms = 0
const app = http.createServer((request, response) => {
  if (isDown) response.writeHead(503).end()
  else tako.node(request, response)
})

beforeAll(async () => {
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const { port } = app.address() as AddressInfo
  cluster = await Cluster.start({ upstream: `http://127.0.0.1:${port}` })
  const { appSocket: socketPath, secret } = cluster
  const onEvent = (event: WebhookEvent) => {
    if (isFailing) throw new Error('not now')
    events.push(event)
  }
  tako = createTako({ channels: [room], socketPath, secret, log, onEvent })
  await tako.start()
})
afterEach(() => {
  clients.splice(0).forEach((client) => client.close())
  handled.splice(0)
  isDown = isFailing = false
  rights = null
})
afterAll(async () => {
  await tako.close()
  app.closeAllConnections()
  app.close()
  await cluster.stop()
})

function enter(subject: string, id: number, transport: 'ws' | 'sse' = 'ws') {
  const client = createClient({
    baseUrl: cluster.url,
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    backoff: { firstMs: 20, maxMs: 100 },
    token: subject,
  })
  clients.push(client)
  const received: ChannelMessage[] = []
  const changes: string[] = []
  const subscription = client.subscribe(
    'room',
    { id },
    {
      transport,
      presence: true,
      onMessage: (message) => received.push(message),
      onStatus: (status, error) => changes.push(error ? `${status} ${error.code}` : status),
    },
  )
  const is = (wanted: string) =>
    until(`${wanted} (${changes})`, () => subscription.status === wanted)
  const texts = () => received.map(({ data }) => (data as { text: string }).text)
  return { client, subscription, received, changes, is, texts }
}

const say = (who: ReturnType<typeof enter>, text: string) => who.subscription.send('say', { text })

test('a handler decides about each message, and its sender is told', async () => {
  const id = ++rooms
  const [ann, bob] = [enter('ann', id), enter('bob', id)]
  await Promise.all([ann.is('open'), bob.is('open')])
  const sent = await say(ann, '  hi  ')
  await until('the message', () => bob.received.length === 1)
  expect(bob.received[0]).toMatchObject({ id: sent.id, subject: 'ann', data: { text: 'hi' } })
  await expect(say(ann, '')).rejects.toMatchObject({
    code: 'message-rejected',
    message: 'Say something.',
    retryable: false,
  })
  await expect(say(ann, 'rude')).rejects.toMatchObject({ message: 'Mind your words.' })
  expect(await say(ann, 'secret')).toEqual({ id: null })
  await expect(say(ann, 'crash')).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  expect(log.error.mock.calls.at(-1)?.[1]).toMatchObject({ message: 'no database' })
  await say(ann, 'bye')
  await until('the last', () => bob.texts().at(-1) === 'bye')
  expect(bob.texts()).toEqual(['hi', 'bye'])
  expect(handled[0]).toBe('ann   hi   key')
})

test('messages of one connection keep their order behind a slow one', async () => {
  const id = ++rooms
  const [ann, bob] = [enter('ann', id), enter('bob', id)]
  await Promise.all([ann.is('open'), bob.is('open')])
  const all = ['slow', 'one', 'two'].map((text) => say(ann, text))
  await say(bob, 'meanwhile')
  expect(bob.texts()).toEqual(['meanwhile'])
  await Promise.all(all)
  await until('all', () => bob.received.length === 4)
  expect(bob.texts()).toEqual(['meanwhile', 'slow', 'one', 'two'])
})

test('clients can not send what only the app says', async () => {
  const ann = enter('ann', ++rooms)
  await ann.is('open')
  const forged = ann.subscription.send('told' as 'say', 1 as never)
  await expect(forged).rejects.toMatchObject({ code: 'type-not-allowed' })
  expect(ann.subscription.status).toBe('open')
})

test('over an event stream the handler decides as well', async () => {
  const ann = enter('ann', ++rooms, 'sse')
  await ann.is('open')
  await say(ann, ' hi ')
  await until('the message', () => ann.received.length === 1)
  expect(ann.texts()).toEqual(['hi'])
  await expect(say(ann, '')).rejects.toMatchObject({
    code: 'message-rejected',
    message: 'Say something.',
  })
  expect(await say(ann, 'secret')).toEqual({ id: null })
})

test('older pages and earlier starts have neither gap nor repeat at the seam', async () => {
  const id = ++rooms
  const handle = room({ id })
  await handle.batch(Array.from({ length: 30 }, (_, n) => ({ type: 'told' as const, data: n })))
  const ann = enter('ann', id)
  await ann.is('open')
  for (let n = 30; n < 35; n += 1) await handle.publish({ type: 'told', data: n })
  await until('live ones', () => ann.received.length === 5)
  const older: ChannelMessage[] = []
  while (ann.subscription.hasOlder) older.unshift(...(await ann.subscription.older(7)))
  const shown = [...older, ...ann.received].map(({ data }) => data)
  expect(shown).toEqual(Array.from({ length: 35 }, (_, n) => n))
  const received: unknown[] = []
  const early = ann.client.subscribe(
    'room',
    { id },
    {
      rewind: 10,
      onMessage: ({ data }) => received.push(data),
    },
  )
  await until('ten', () => received.length >= 10)
  expect(received).toEqual(Array.from({ length: 10 }, (_, n) => n + 25))
  const first = await early.older(100)
  expect(first.map(({ data }) => data)).toEqual(Array.from({ length: 25 }, (_, n) => n))
  expect(early.hasOlder).toBe(false)
})

test('the app sees who is there', async () => {
  const id = ++rooms
  const people = [enter('ann', id), enter('bob', id), enter('cid', id)]
  await Promise.all(people.map(({ is }) => is('open')))
  await until('three', async () => (await room({ id }).presence()).subjects === 3)
  const first = await room({ id }).presence({ limit: 2 })
  expect(first).toMatchObject({ connections: 3, subjects: 3, next: 'bob' })
  expect(first.members.map(({ info }) => info)).toEqual([{ name: 'ANN' }, { name: 'BOB' }])
  const rest = await room({ id }).presence({ after: first.next ?? '' })
  expect([rest.members.length, rest.next]).toEqual([1, null])
})

test('a subject that is disconnected hears nothing more, and a ban keeps it out', async () => {
  const id = ++rooms
  const [ann, bob] = [enter('ann', id), enter('bob', id)]
  await Promise.all([ann.is('open'), bob.is('open')])
  const options = { channel: 'room', params: { id }, banMs: 60_000, reason: 'rude' }
  expect(await tako.disconnect('bob', options)).toEqual({ subscriptions: 1, pending: [] })
  await room({ id }).publish({ type: 'told', data: 1 })
  await bob.is('failed')
  expect(bob.subscription.error).toMatchObject({ code: 'revoked', retryable: false })
  await until('ann alone', () => ann.subscription.presence?.members.length === 1)
  bob.subscription.retry()
  await until('still out', () => bob.changes.filter((c) => c === 'failed revoked').length === 2)
  await until('ann hears it', () => ann.received.length === 1)
  expect(bob.received).toEqual([])
  await tako.disconnect('bob', { channel: 'room', params: { id }, banMs: 0 })
  bob.subscription.retry()
  await bob.is('open')
})

test('a channel can be emptied, and rights judged anew', async () => {
  const id = ++rooms
  const [ann, bob] = [enter('ann', id), enter('bob', id)]
  await Promise.all([ann.is('open'), bob.is('open')])
  rights = ['subscribe']
  const judged = await room({ id }).disconnect({ reauthorize: true })
  expect(judged).toEqual({ subscriptions: 2, pending: [] })
  await until('no right to publish', async () => {
    const code = await say(ann, 'hi').catch(({ code }: { code: string }) => code)
    return code === 'forbidden'
  })
  expect(ann.subscription.status).toBe('open')
  expect((await room({ id }).disconnect()).subscriptions).toBe(2)
  await Promise.all([ann.is('failed'), bob.is('failed')])
})

test('webhooks tell who comes and goes, in order, once, and again when the app fails', async () => {
  const id = ++rooms
  const here = () => events.filter((event) => 'params' in event && event.params.id === id)
  const types = () =>
    here().map((event) => `${event.type} ${'subject' in event ? event.subject : ''}`)
  const ann = enter('ann', id)
  await ann.is('open')
  await until(`two: ${types()}`, () => here().length === 2)
  expect(types().sort()).toEqual(['channel-occupied ', 'member-entered ann'])
  expect(here().find(({ type }) => type === 'member-entered')).toMatchObject({
    channel: 'room',
    key: `room?id=${id}`,
    info: { name: 'ANN' },
  })
  isFailing = true
  ann.client.close()
  await until('it failed', () => log.error.mock.calls.some(([text]) => /come again/.test(text)))
  isFailing = false
  await until(`four: ${types()}`, () => here().length === 4)
  expect(types().slice(2).sort()).toEqual(['channel-vacated ', 'member-left ann'])
  expect(here().find(({ type }) => type === 'member-left')).toMatchObject({ reason: 'left' })
  expect(new Set(here().map((event) => event.id)).size).toBe(4)
})
