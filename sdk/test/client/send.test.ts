// Sends: each message is answered once and published once, whatever breaks on the way.
import { expect, test } from 'vitest'

import { until } from '../support/until.js'
import { at, count, ids, useHarness } from './harness.js'

const harness = useHarness()

async function opened(options = {}) {
  const client = harness.client(options)
  const listener = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  return { client, listener, socket }
}

test('a message goes with a key and a ref, and its acknowledgement has its id', async () => {
  const { listener, socket } = await opened()
  const sent = listener.subscription.send('say', { text: 'hi' })
  const frame = await socket.next()
  expect(frame).toMatchObject({ type: 'say', data: { text: 'hi' }, key: 'room?id=1' })
  // A UUID, or without a global crypto, as in Node 18, four random numbers.
  expect(frame.idempotencyKey).toMatch(/^[0-9a-f]+(-[0-9a-f]+){3,4}$/)
  socket.ack(frame.ref, at(1))
  expect(await sent).toEqual({ id: at(1) })
})

test('a message sent before the connection stands waits for it', async () => {
  const listener = harness.listen(harness.client())
  const sent = listener.subscription.send('say', 1)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.ack((await socket.next()).ref, at(1))
  expect(await sent).toEqual({ id: at(1) })
})

test('what was not acknowledged when the connection broke is sent again with the same key', async () => {
  const { listener, socket } = await opened()
  const sends = [1, 2, 3].map((n) => listener.subscription.send('say', n))
  const frames = [await socket.next(), await socket.next(), await socket.next()]
  socket.ack(frames[0].ref, at(1))
  await sends[0]
  socket.drop()
  const second = await harness.server.nextSocket()
  await second.accept(at(0))
  const again = [await second.next(), await second.next()]
  expect(again.map(({ data }) => data)).toEqual([2, 3])
  expect(again.map((frame) => frame.idempotencyKey)).toEqual(
    frames.slice(1).map((frame) => frame.idempotencyKey),
  )
  for (const [i, { ref }] of again.entries()) second.ack(ref, at(2 + i))
  expect(await Promise.all(sends)).toEqual([{ id: at(1) }, { id: at(2) }, { id: at(3) }])
})

test('what is sent is what it was when it was sent', async () => {
  const { listener, socket } = await opened()
  const draft = { text: 'as it was' }
  const sent = listener.subscription.send('say', draft)
  const first = await socket.next()
  draft.text = 'changed since'
  socket.drop()
  const second = await harness.server.nextSocket()
  await second.accept(at(0))
  const again = await second.next()
  expect(again).toMatchObject({ data: first.data, idempotencyKey: first.idempotencyKey })
  second.ack(again.ref, at(1))
  await sent
})

test('a type that takes no keys is learnt once', async () => {
  const { listener, socket } = await opened()
  const first = listener.subscription.send('typing', true)
  const keyed = await socket.next()
  socket.error('ephemeral-with-key', false, keyed.ref, 'room?id=1')
  const keyless = await socket.next()
  expect(keyless.idempotencyKey).toBeUndefined()
  socket.ack(keyless.ref, null)
  expect(await first).toEqual({ id: null })
  const second = listener.subscription.send('typing', false)
  const frame = await socket.next()
  expect(frame.idempotencyKey).toBeUndefined()
  socket.ack(frame.ref, null)
  expect(await second).toEqual({ id: null })
})

test('an ephemeral message without an answer is not sent again: its sender is told', async () => {
  const { listener, socket } = await opened()
  const sent = listener.subscription.send('typing', true)
  socket.error('ephemeral-with-key', false, (await socket.next()).ref)
  await socket.next()
  socket.drop()
  await expect(sent).rejects.toMatchObject({ code: 'connection-failed', retryable: true })
  const second = await harness.server.nextSocket()
  await second.accept(at(0))
  await listener.status('open')
  expect(second.received).toHaveLength(1)
})

test('a key of the caller is sent as it is, and refused as it is', async () => {
  const { listener, socket } = await opened()
  const sent = listener.subscription.send('typing', 1, { idempotencyKey: 'mine' })
  const frame = await socket.next()
  expect(frame.idempotencyKey).toBe('mine')
  socket.error('ephemeral-with-key', false, frame.ref)
  await expect(sent).rejects.toMatchObject({ code: 'ephemeral-with-key' })
})

test('a refusal rejects its own message only', async () => {
  const { listener, socket } = await opened()
  const [bad, good] = [listener.subscription.send('shout', 1), listener.subscription.send('say', 2)]
  const first = await socket.next()
  const refused = expect(bad).rejects.toMatchObject({ code: 'type-not-allowed', retryable: false })
  socket.error('type-not-allowed', false, first.ref, 'room?id=1')
  await refused
  socket.ack((await socket.next()).ref, at(1))
  expect(await good).toEqual({ id: at(1) })
  expect(listener.changes).toEqual(['open'])
})

test('rate-limited is waited out', async () => {
  const { listener, socket } = await opened()
  const sent = listener.subscription.send('say', 1)
  const first = await socket.next()
  socket.error('rate-limited', true, first.ref)
  const second = await socket.next()
  expect(second.idempotencyKey).toBe(first.idempotencyKey)
  socket.ack(second.ref, at(1))
  expect(await sent).toEqual({ id: at(1) })
})

test('the queue is bounded, and says so', async () => {
  harness.server.isStalled = true
  const { subscription } = harness.listen(harness.client({ queueMax: 3 }))
  const sends = [1, 2, 3, 4].map((n) => subscription.send('say', n))
  await expect(sends[3]).rejects.toMatchObject({ code: 'queue-full', retryable: true })
  const rest = Promise.allSettled(sends.slice(0, 3))
  subscription.close()
  expect((await rest).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
})

test('no more than the window are on their way at once, and the order stays', async () => {
  const { listener, socket } = await opened()
  const sends = Array.from({ length: 40 }, (_, n) => listener.subscription.send('say', n))
  await until('the window', () => socket.received.length >= 17)
  socket.send({ type: 'tako.future', data: {} })
  expect(socket.received).toHaveLength(17)
  for (let n = 0; n < 40; n++) {
    const frame = await socket.next()
    expect(frame.data).toBe(n)
    socket.ack(frame.ref, at(n + 1))
  }
  await Promise.all(sends)
})

test('silence behind a message is a dead connection: it is replaced, the message sent again', async () => {
  const { listener, socket } = await opened({ timeoutMs: 150 })
  const sent = listener.subscription.send('say', 1)
  const first = await socket.next()
  const second = await harness.server.nextSocket()
  await second.accept(at(0))
  const again = await second.next()
  expect(again.idempotencyKey).toBe(first.idempotencyKey)
  second.ack(again.ref, at(1))
  expect(await sent).toEqual({ id: at(1) })
})

test('a message without an answer on a connection that lives is a timeout of its own', async () => {
  const { listener, socket } = await opened({ timeoutMs: 150 })
  const sent = listener.subscription.send('say', 1)
  const sentAtMs = Date.now()
  await socket.next()
  await until('the clock to move', () => Date.now() > sentAtMs)
  socket.message(at(1), 'a sign of life')
  await expect(sent).rejects.toMatchObject({ code: 'timeout', retryable: true })
  expect(harness.server.handshakes).toBe(1)
})

test('a message that is too big is refused, and those beside it are sent again', async () => {
  const { listener, socket } = await opened()
  const small = listener.subscription.send('say', 'small')
  const big = listener.subscription.send('say', 'big'.repeat(1_000))
  await socket.next()
  await socket.next()
  const refused = expect(big).rejects.toMatchObject({ code: 'message-too-big' })
  socket.close(1009, 'message-too-big')
  await refused
  const second = await harness.server.nextSocket()
  await second.accept(at(0))
  const again = await second.next()
  expect(again.data).toBe('small')
  second.ack(again.ref, at(1))
  expect(await small).toEqual({ id: at(1) })
})

test('a message that no connection survives is given up', async () => {
  const { listener, socket } = await opened()
  const sent = listener.subscription.send('say', 'poison')
  const refused = expect(sent).rejects.toMatchObject({ code: 'connection-failed' })
  let current = socket
  for (let n = 0; n < 5; n++) {
    await current.next()
    current.drop()
    current = await harness.server.nextSocket()
    await current.accept(at(0))
  }
  await refused
})

test('with echo: false the acknowledgement is the delivery: the cursor passes the message', async () => {
  const { client, listener, socket } = await opened()
  const neighbour = harness.listen(client)
  await neighbour.status('open')
  const sent = listener.subscription.send('say', { n: 1 }, { echo: false })
  const frame = await socket.next()
  expect(frame.echo).toBe(false)
  socket.ack(frame.ref, at(1))
  expect(await sent).toEqual({ id: at(1) })
  expect(listener.subscription.cursor).toBe(at(1))
  expect(listener.received).toEqual([])
  expect(neighbour.received).toEqual([{ id: at(1), channel: 'room', type: 'say', data: { n: 1 } }])
  socket.message(at(2), 2)
  await count(listener, 1)
  expect(ids(listener)).toEqual([at(2)])
})

test('what can not be right is refused before it is sent', async () => {
  const { listener, socket } = await opened()
  const { subscription } = listener
  for (const [type, data, options] of [
    ['', 1, {}],
    ['tako.auth', 1, {}],
    ['x'.repeat(129), 1, {}],
    ['say', undefined, {}],
    ['say', () => {}, {}],
    ['say', 1n, {}],
    ['say', 1, { idempotencyKey: '' }],
    ['say', 1, { idempotencyKey: 'ä'.repeat(129) }],
  ] as const) {
    await expect(subscription.send(type, data, options)).rejects.toMatchObject({
      code: 'usage-invalid',
    })
  }
  expect(socket.received).toHaveLength(1)
  subscription.close()
  await expect(subscription.send('say', 1)).rejects.toMatchObject({ code: 'aborted' })
})

test('who closes with a message on its way still learns its fate', async () => {
  const { listener, socket } = await opened()
  const sent = listener.subscription.send('say', 1)
  const { ref } = await socket.next()
  listener.subscription.close()
  socket.ack(ref, at(1))
  expect(await sent).toEqual({ id: at(1) })
  expect((await socket.next()).type).toBe('tako.unsubscribe')
})
