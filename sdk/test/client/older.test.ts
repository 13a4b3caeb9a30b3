// Older messages and earlier starts: the seam with the live stream has neither gap nor repeat.
import { expect, test } from 'vitest'

import { at, count, ids, useHarness } from './harness.js'

const harness = useHarness()

const message = (n: number) => ({ id: at(n), channel: 'room', type: 'say', data: n })

async function open(start: string, options = {}) {
  const listener = harness.listen(harness.client(), options)
  const socket = await harness.server.nextSocket()
  const asked = await socket.accept(start)
  await listener.status('open')
  return { ...listener, socket, asked }
}

test('the first page ends where the live stream begins, and each further one in front of it', async () => {
  const listener = await open(at(7))
  listener.socket.message(at(8), 8)
  await count(listener, 1)
  const first = listener.subscription.older(2)
  const asked = await harness.server.nextExchange()
  expect(Object.fromEntries(asked.url.searchParams)).toEqual({
    id: '1',
    _until: at(7),
    _limit: '2',
  })
  asked.answer(200, { messages: [message(6), message(7)], next: at(7), prev: at(6) })
  expect((await first).map(({ id }) => id)).toEqual([at(6), at(7)])
  expect(listener.subscription.hasOlder).toBe(true)
  const second = listener.subscription.older()
  const before = await harness.server.nextExchange()
  expect(before.url.searchParams.get('_before')).toBe(at(6))
  expect(before.url.searchParams.get('_limit')).toBe('100')
  before.answer(200, { messages: [message(5)], next: at(5), prev: null })
  expect(await second).toHaveLength(1)
  expect(listener.subscription.hasOlder).toBe(false)
  expect(await listener.subscription.older()).toEqual([])
  expect(harness.server.exchanges).toHaveLength(2)
})

test('calls side by side get pages one behind the other', async () => {
  const { subscription } = await open(at(7))
  const pages = [subscription.older(1), subscription.older(1)]
  const first = await harness.server.nextExchange()
  first.answer(200, { messages: [message(7)], next: at(7), prev: at(7) })
  const second = await harness.server.nextExchange()
  expect(second.url.searchParams.get('_before')).toBe(at(7))
  second.answer(200, { messages: [message(6)], next: at(6), prev: null })
  expect((await Promise.all(pages)).flat().map(({ id }) => id)).toEqual([at(7), at(6)])
})

test('a page that fails is asked for again by the next call', async () => {
  const { subscription } = await open(at(7))
  const failed = subscription.older()
  const refused = expect(failed).rejects.toMatchObject({ code: 'unavailable' })
  ;(await harness.server.nextExchange()).refuse(503, 'unavailable')
  await refused
  const again = subscription.older()
  const asked = await harness.server.nextExchange()
  expect(asked.url.searchParams.get('_until')).toBe(at(7))
  asked.answer(200, { messages: [], next: null, prev: null })
  expect(await again).toEqual([])
})

test('a reconnect does not move the seam', async () => {
  const listener = await open(at(7))
  listener.socket.message(at(8), 8)
  await count(listener, 1)
  listener.socket.drop()
  await (await harness.server.nextSocket()).accept(at(8))
  await listener.status('open')
  void listener.subscription.older()
  const asked = await harness.server.nextExchange()
  expect(asked.url.searchParams.get('_until')).toBe(at(7))
  asked.answer(200, { messages: [], next: null, prev: null })
})

test('before it was open there is no seam', async () => {
  const { subscription } = harness.listen(harness.client())
  await expect(subscription.older()).rejects.toMatchObject({ code: 'usage-invalid' })
})

test.each([20, '5m'])('rewind: %s starts earlier, once', async (rewind) => {
  const { asked, socket, ...listener } = await open(at(3), { rewind })
  expect(asked.data).toEqual({ channel: 'room', params: { id: '1' }, rewind })
  for (const n of [4, 5]) socket.message(at(n), n)
  await count(listener, 2)
  socket.drop()
  const next = await harness.server.nextSocket()
  const again = await next.accept(at(5))
  expect(again.data).toEqual({ channel: 'room', params: { id: '1' }, lastMessageId: at(5) })
})

test('beside a subscription at the head each gets what it asked for', async () => {
  const client = harness.client()
  const head = harness.listen(client)
  const early = harness.listen(client, { rewind: 2 })
  const socket = await harness.server.nextSocket()
  expect((await socket.accept(at(7))).data.rewind).toBeUndefined()
  await head.status('open')
  expect(await socket.next()).toMatchObject({ type: 'tako.unsubscribe' })
  expect((await socket.accept(at(5))).data.rewind).toBe(2)
  for (const n of [6, 7, 8]) socket.message(at(n), n)
  await Promise.all([count(head, 1), count(early, 3)])
  expect(ids(head)).toEqual([at(8)])
  expect(ids(early)).toEqual([at(6), at(7), at(8)])
})

test('over an event stream rewind is in the URL', async () => {
  const listener = harness.listen(harness.client(), { transport: 'sse', rewind: '90s' })
  const stream = await harness.server.nextExchange()
  expect(stream.url.searchParams.get('_rewind')).toBe('90s')
  stream.stream(at(3))
  await listener.status('open')
})
