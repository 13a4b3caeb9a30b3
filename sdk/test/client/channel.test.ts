// The original's Channel class: the same calls, over this client.
import { afterEach, expect, test } from 'vitest'
import WebSocket from 'ws'

import { Channel, configureChannels, defaultClient } from '../../src/client/index.js'
import { until } from '../support/until.js'
import { at, useHarness } from './harness.js'

const harness = useHarness()
const websocket = WebSocket as unknown as typeof globalThis.WebSocket
afterEach(() => defaultClient().close())

/** What `raw` told, in order. */
function record(raw: EventTarget): { type: string; data?: string; code?: number }[] {
  const told: { type: string }[] = []
  for (const type of ['open', 'message', 'error', 'close']) {
    raw.addEventListener(type, (event) => told.push(event))
  }
  return told
}

test('connect: messages on raw, send, resume, close', async () => {
  configureChannels({ baseUrl: harness.server.url, websocket, token: 'abc' })
  const socket = new Channel('room', 'ws', { id: '1' }).connect({ lastMessageId: at(1) })
  const told = record(socket.raw)
  const byProperty: string[] = []
  Object.assign(socket.raw, { onmessage: (event: MessageEvent) => byProperty.push(event.data) })
  const server = await harness.server.nextSocket()
  expect((await server.accept(at(1))).data).toMatchObject({
    token: 'Bearer abc',
    lastMessageId: at(1),
  })
  server.message(at(2), 'a')
  await until('the message', () => byProperty.length === 1)
  expect(JSON.parse(byProperty[0] ?? '')).toMatchObject({ id: at(2), type: 'say', data: 'a' })
  socket.send({ type: 'say', data: 'b' })
  const { ref } = await server.next()
  server.error('type-not-allowed', false, ref)
  await until('the refusal', () => told.some(({ type }) => type === 'error'))
  socket.close(4321, 'bye')
  expect(told.map(({ type }) => type)).toEqual(['open', 'message', 'error', 'close'])
  expect(told[3]).toMatchObject({ code: 4321, reason: 'bye' })
})

test('subscribe: a stream with its own headers, of which Last-Event-ID is one value', async () => {
  configureChannels({ baseUrl: harness.server.url, websocket })
  const stream = new Channel('room', 'sse', { id: '1' }).subscribe({
    headers: { Authorization: 'Bearer explicit', 'Last-Event-ID': 'nonsense', 'X-Trace': '7' },
    authorization: 'ignored',
    lastEventId: at(1),
  })
  const told = record(stream.raw)
  const exchange = await harness.server.nextExchange()
  expect(exchange.headers).toMatchObject({
    authorization: 'Bearer explicit',
    'last-event-id': at(1),
    'x-trace': '7',
  })
  exchange.stream(at(1))
  exchange.message(at(2), 'a')
  await until('the message', () => told.length === 2)
  expect(told.map(({ type }) => type)).toEqual(['open', 'message'])
  stream.close()
  await until('the stream to be closed', () => exchange.isClosed)
})

test('a refusal for good is an error and a close', async () => {
  configureChannels({ baseUrl: harness.server.url, websocket })
  const socket = new Channel('room', 'ws', { id: '1' }).connect({ authorization: 'secret' })
  const told = record(socket.raw)
  const server = await harness.server.nextSocket()
  expect((await server.refuse('verify-rejected', false)).data.token).toBe('Bearer secret')
  await until('the close', () => told.length === 2)
  expect(told[0]).toMatchObject({ type: 'error', error: { code: 'verify-rejected' } })
  expect(told[1]).toMatchObject({ type: 'close', code: 4000, reason: 'verify-rejected' })
})

test('factories of the caller make the transports', async () => {
  const made: string[] = []
  const socket = new Channel('room', 'ws', { id: '1' }).connect({
    baseUrl: harness.server.url,
    webSocketFactory: (url, protocol) => {
      made.push(url)
      return new WebSocket(url, protocol) as unknown as globalThis.WebSocket
    },
  })
  await (await harness.server.nextSocket()).accept(at(0))
  socket.close()
  const raw = new EventTarget()
  const stream = new Channel('room', 'sse', { id: '1' }).subscribe({
    baseUrl: harness.server.url,
    headers: { a: 'b' },
    eventSourceFactory: (url, { headers }) => {
      made.push(`${url} ${JSON.stringify(headers)}`)
      return raw
    },
  })
  expect(stream.raw).toBe(raw)
  stream.close()
  const { host } = new URL(harness.server.url)
  expect(made).toEqual([
    `ws://${host}/_tako/channels`,
    `http://${host}/_tako/channels/room?id=1 {"a":"b"}`,
  ])
})

test('a new token reaches the open subscriptions of the default client', async () => {
  configureChannels({ baseUrl: harness.server.url, websocket, token: 'old' })
  const told = record(new Channel('room', 'ws', { id: '1' }).connect().raw)
  const server = await harness.server.nextSocket()
  await server.accept(at(0))
  await until('the subscription', () => told.length === 1)
  configureChannels({ token: 'new' })
  expect(await server.next()).toMatchObject({ type: 'tako.auth', token: 'Bearer new' })
})
