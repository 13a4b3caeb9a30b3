// Event streams against a scripted server: every fault that a network or a server can have.
import { expect, test, vi } from 'vitest'

import { until } from '../support/until.js'
import { at, count, ids, useHarness, watchTimers } from './harness.js'

const harness = useHarness()
const sse = { transport: 'sse' as const }

test('a stream asks as the protocol says', async () => {
  const listener = harness.listen(harness.client({ token: 'abc' }), { ...sse, lastEventId: at(3) })
  const stream = await harness.server.nextExchange()
  expect(stream.url.pathname).toBe('/_tako/channels/room')
  expect([...stream.url.searchParams]).toEqual([
    ['id', '1'],
    ['_events', '1'],
  ])
  expect(stream.headers).toMatchObject({
    accept: 'text/event-stream',
    authorization: 'Bearer abc',
    'last-event-id': at(3),
  })
  stream.stream(at(3))
  await listener.status('open')
})

test.each([
  ['that breaks', (stream: { drop(): void }) => stream.drop(), 'waiting connection-failed'],
  ['that ends', (stream: { end(): void }) => stream.end(), 'waiting connection-expired'],
] as const)('a stream %s is resumed at its one cursor', async (_, end, change) => {
  const listener = harness.listen(harness.client(), { ...sse, lastEventId: '0' })
  const first = await harness.server.nextExchange()
  first.stream(at(2))
  first.message(at(3), 'a')
  await count(listener, 1)
  end(first as never)
  const second = await harness.server.nextExchange()
  expect(second.headers['last-event-id']).toBe(at(3))
  second.stream(at(3))
  second.message(at(4), 'b')
  await count(listener, 2)
  expect(ids(listener)).toEqual([at(3), at(4)])
  expect(listener.changes).toContain(change)
})

test('a stream that breaks before its first message is resumed where it started', async () => {
  const listener = harness.listen(harness.client(), sse)
  const first = await harness.server.nextExchange()
  first.stream(at(2))
  await listener.status('open')
  first.drop()
  expect((await harness.server.nextExchange()).headers['last-event-id']).toBe(at(2))
})

test('a request without an answer is given up and tried again', async () => {
  const listener = harness.listen(harness.client({ timeoutMs: 100 }), sse)
  const first = await harness.server.nextExchange()
  await harness.server.nextExchange()
  await until('the first to be given up', () => first.isClosed)
  expect(listener.changes).toContain('waiting timeout')
})

test('a stream that opens and says nothing is not open', async () => {
  const listener = harness.listen(harness.client({ timeoutMs: 100 }), sse)
  const first = await harness.server.nextExchange()
  first.stream()
  await harness.server.nextExchange()
  expect(listener.changes).not.toContain('open')
})

test.each([
  [401, 'unauthorized'],
  [403, 'verify-rejected'],
  [404, 'channel-unknown'],
  [400, 'params-invalid'],
  [410, 'replay-too-old'],
])('%i %s is final: it is told and not asked again', async (status, code) => {
  const { pending, setTimer } = watchTimers()
  const listener = harness.listen(harness.client({ token: 'fixed' }, { setTimer }), sse)
  ;(await harness.server.nextExchange()).refuse(status, code)
  await listener.status('failed')
  expect(listener.subscription.error).toMatchObject({ code, status })
  await until('the end of all timers', () => pending.size === 0)
  expect(harness.server.exchanges).toHaveLength(1)
  listener.subscription.retry()
  const second = await harness.server.nextExchange()
  second.stream(at(0))
  await listener.status('open')
})

test('a 401 asks the token function once more', async () => {
  let asked = 0
  const listener = harness.listen(harness.client({ token: async () => `t${++asked}` }), sse)
  ;(await harness.server.nextExchange()).refuse(401, 'unauthorized')
  const second = await harness.server.nextExchange()
  expect(second.headers.authorization).toBe('Bearer t2')
  second.refuse(401, 'unauthorized')
  await listener.status('failed')
  expect(asked).toBe(2)
})

test.each([
  ['Retry-After', 2_000],
  ['retry:', 250],
])('%s says when to come back', async (way, ms) => {
  const waits: number[] = []
  const setTimer = vi.fn((callback: () => void, delay: number) => {
    if (delay === ms) waits.push(delay)
    const timer = setTimeout(callback, delay === ms ? 1 : delay)
    return () => clearTimeout(timer)
  })
  const listener = harness.listen(
    harness.client({ timeoutMs: 9_000 }, { setTimer, random: () => 0 }),
    sse,
  )
  const first = await harness.server.nextExchange()
  if (way === 'retry:') {
    first.stream()
    first.write('retry: 250\n\n')
    first.end()
  } else first.refuse(503, 'unavailable', { 'retry-after': '2' })
  const second = await harness.server.nextExchange()
  second.stream(at(0))
  await listener.status('open')
  expect(waits).toEqual([ms])
  expect(listener.changes[0]).toBe('waiting unavailable')
})

test('a restart is told with a time to come back', async () => {
  const waits: number[] = []
  const setTimer = (callback: () => void, delay: number) => {
    waits.push(delay)
    const timer = setTimeout(callback, Math.min(delay, 50))
    return () => clearTimeout(timer)
  }
  const listener = harness.listen(harness.client({}, { setTimer, random: () => 0 }), sse)
  const first = await harness.server.nextExchange()
  first.stream(at(0))
  first.write('retry: 777\n\n')
  first.end()
  await harness.server.nextExchange()
  expect(waits).toContain(777)
  expect(listener.changes.slice(0, 2)).toEqual(['open', 'waiting connection-expired'])
})

test.each(['data: {"type":\n\n', 'data: 7\n\n'])(
  'the bad event %j ends the stream',
  async (bad) => {
    const listener = harness.listen(harness.client(), sse)
    const first = await harness.server.nextExchange()
    first.stream(at(0))
    first.message(at(1), 'a')
    first.write(bad)
    first.message(at(2), 'after')
    const second = await harness.server.nextExchange()
    expect(second.headers['last-event-id']).toBe(at(1))
    expect(listener.changes).toContain('waiting answer-malformed')
    expect(ids(listener)).toEqual([at(1)])
  },
)

test('a page of something else is not a stream', async () => {
  const listener = harness.listen(harness.client(), sse)
  const first = await harness.server.nextExchange()
  first.response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Welcome')
  await listener.status('failed')
  expect(listener.subscription.error).toMatchObject({ code: 'answer-malformed' })
})

test.each([
  ['a repeated message', 2],
  ['a message out of order', 1],
])('%s shows as an error and is not delivered', async (_, again) => {
  const listener = harness.listen(harness.client(), sse)
  const first = await harness.server.nextExchange()
  first.stream(at(0))
  for (const n of [1, 2, again]) first.message(at(n), n)
  await until('the fault', () => listener.changes.includes('waiting answer-malformed'))
  expect(ids(listener)).toEqual([at(1), at(2)])
  expect((await harness.server.nextExchange()).headers['last-event-id']).toBe(at(2))
})

test('a stream whose keepalives stop is taken for dead', async () => {
  const listener = harness.listen(harness.client(), sse)
  const first = await harness.server.nextExchange()
  first.stream(at(0))
  await listener.status('open')
  await new Promise((resolve) => setTimeout(resolve, 30))
  first.write(': keepalive\n\n')
  const second = await harness.server.nextExchange()
  expect(second.headers['last-event-id']).toBe(at(0))
  expect(listener.changes).toContain('waiting timeout')
})

test('a new network means a new stream; a page that is shown ends a wait', async () => {
  const client = harness.client(
    { backoff: { firstMs: 60_000, maxMs: 60_000 } },
    { random: () => 1 },
  )
  const listener = harness.listen(client, sse)
  const first = await harness.server.nextExchange()
  first.stream(at(0))
  await listener.status('open')
  harness.page('wake')
  harness.page('online')
  const second = await harness.server.nextExchange()
  await until('the first to be closed', () => first.isClosed)
  second.drop()
  await listener.status('waiting')
  harness.page('wake')
  ;(await harness.server.nextExchange()).stream(at(0))
  await listener.status('open')
})

test('closing closes the stream', async () => {
  const client = harness.client()
  const listener = harness.listen(client, sse)
  const stream = await harness.server.nextExchange()
  stream.stream(at(0))
  await listener.status('open')
  expect(client.status).toBe('open')
  listener.subscription.close()
  await until('the stream to be closed', () => stream.isClosed)
  expect(client.status).toBe('idle')
})

test('two subscribers of a channel share a stream', async () => {
  const client = harness.client()
  const [a, b] = [harness.listen(client, sse), harness.listen(client, sse)]
  const stream = await harness.server.nextExchange()
  stream.stream(at(0))
  stream.message(at(1), 1)
  await Promise.all([count(a, 1), count(b, 1)])
  expect(harness.server.exchanges).toHaveLength(1)
})

test('messages are posted one after the other, each with its key', async () => {
  const listener = harness.listen(harness.client({ token: 'abc' }), sse)
  ;(await harness.server.nextExchange()).stream(at(0))
  await listener.status('open')
  const sends = [listener.subscription.send('say', 1), listener.subscription.send('say', 2)]
  const first = await harness.server.nextExchange()
  expect([first.method, first.url.pathname]).toEqual(['POST', '/_tako/channels/room/messages'])
  expect(first.headers.authorization).toBe('Bearer abc')
  const body = JSON.parse(first.body)
  expect(body).toMatchObject({ type: 'say', data: 1 })
  first.drop()
  const again = await harness.server.nextExchange()
  expect(JSON.parse(again.body)).toEqual(body)
  again.answer(200, { id: at(1), channel: 'room', type: 'say', data: 1 })
  const second = await harness.server.nextExchange()
  expect(JSON.parse(second.body).data).toBe(2)
  second.answer(201, { id: at(2), channel: 'room', type: 'say', data: 2 })
  expect(await Promise.all(sends)).toEqual([{ id: at(1) }, { id: at(2) }])
})

test('a refused post rejects with what the server said', async () => {
  const listener = harness.listen(harness.client(), sse)
  ;(await harness.server.nextExchange()).stream(at(0))
  const sent = listener.subscription.send('shout', 1)
  ;(await harness.server.nextExchange()).refuse(403, 'type-not-allowed')
  await expect(sent).rejects.toMatchObject({ code: 'type-not-allowed', status: 403 })
  await expect(listener.subscription.send('say', 1, { echo: false })).rejects.toMatchObject({
    code: 'usage-invalid',
  })
})

test('history asks for a page, and its refusal is the server’s', async () => {
  const listener = harness.listen(harness.client(), sse)
  ;(await harness.server.nextExchange()).stream(at(0))
  const asked = listener.subscription.history({ before: at(9), limit: 2 })
  const exchange = await harness.server.nextExchange()
  expect([...exchange.url.searchParams]).toEqual([
    ['id', '1'],
    ['_before', at(9)],
    ['_limit', '2'],
  ])
  const page = { messages: [], next: null, prev: null }
  exchange.answer(200, page)
  expect(await asked).toEqual(page)
  const refused = listener.subscription.history({ after: at(1) })
  ;(await harness.server.nextExchange()).refuse(410, 'replay-too-old')
  await expect(refused).rejects.toMatchObject({ code: 'replay-too-old', status: 410 })
})
