// The life of a permission in the client: it ends in sleep, is taken back, and what a handler says of a send.
import { expect, test } from 'vitest'

import { until } from '../support/until.js'
import { at, count, ids, useHarness, watchTimers } from './harness.js'

const harness = useHarness()

test('a permission that ended in sleep: back at the cursor, with a fresh token', async () => {
  let n = 0
  const listener = harness.listen(harness.client({ token: async () => `t${++n}` }))
  const socket = await harness.server.nextSocket()
  expect((await socket.accept(at(3))).data.token).toBe('Bearer t1')
  socket.message(at(4), 4)
  await count(listener, 1)
  socket.error('connection-expired', true, undefined, 'room?id=1')
  const again = await socket.accept(at(4))
  expect(again.data).toMatchObject({ token: 'Bearer t2', lastMessageId: at(4) })
  socket.message(at(5), 5)
  await count(listener, 2)
  expect(ids(listener)).toEqual([at(4), at(5)])
  expect(harness.server.handshakes).toBe(1)
})

test('so it is when the whole connection ended while the page slept', async () => {
  let n = 0
  const listener = harness.listen(harness.client({ token: () => `t${++n}` }))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(3))
  await listener.status('open')
  socket.close(1000, 'connection expired')
  const next = await harness.server.nextSocket()
  expect((await next.accept(at(3))).data).toMatchObject({
    token: 'Bearer t2',
    lastMessageId: at(3),
  })
  await listener.status('open')
})

test.each(['a frame', 'a close'])(
  'a permission that is taken back is final, told by %s',
  async (how) => {
    let n = 0
    const listener = harness.listen(harness.client({ token: () => `t${++n}` }))
    const socket = await harness.server.nextSocket()
    await socket.accept(at(3))
    await listener.status('open')
    if (how === 'a frame') socket.error('revoked', false, undefined, 'room?id=1')
    else socket.close(4403, 'revoked')
    await listener.status('failed')
    expect(listener.subscription.error).toMatchObject({ code: 'revoked', retryable: false })
    expect([n, harness.server.handshakes]).toEqual([1, 1])
  },
)

test('a ban holds against retry(), and is told again', async () => {
  const listener = harness.listen(harness.client({ token: () => 't' }))
  const socket = await harness.server.nextSocket()
  await socket.refuse('revoked', false)
  await listener.status('failed')
  listener.subscription.retry()
  await socket.refuse('revoked', false)
  await until('both', () => listener.changes.filter((c) => c === 'failed revoked').length === 2)
})

test('a rejection says why; the subscription goes on', async () => {
  const { subscription } = harness.listen(harness.client())
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  const rejected = subscription.send('say', '')
  const { ref } = await socket.next()
  const data = { ref, code: 'message-rejected', message: 'Say something.', hint: '' }
  socket.send({ type: 'tako.error', data: { ...data, retryable: false } })
  await expect(rejected).rejects.toMatchObject({
    code: 'message-rejected',
    message: 'Say something.',
    retryable: false,
  })
  expect(subscription.status).toBe('open')
})

test('a message that the handler dropped is delivered to nobody, with echo: false neither', async () => {
  const client = harness.client()
  const first = harness.listen(client)
  const second = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  const sent = first.subscription.send('say', 1, { echo: false })
  socket.ack((await socket.next()).ref, null)
  expect(await sent).toEqual({ id: null })
  socket.message(at(1), 2)
  await Promise.all([count(first, 1), count(second, 1)])
  expect([...ids(first), ...ids(second)]).toEqual([at(1), at(1)])
})

test('too many messages: sent again when the server says', async () => {
  const { fired, setTimer } = watchTimers()
  const { subscription } = harness.listen(harness.client({}, { setTimer }))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  const sent = subscription.send('say', 1)
  const first = await socket.next()
  const data = { ref: first.ref, code: 'rate-limited', message: '', hint: '', retryable: true }
  socket.send({ type: 'tako.error', data: { ...data, retryAfterMs: 50 } })
  const again = await socket.next()
  expect(fired).toEqual([50])
  expect(again.idempotencyKey).toBe(first.idempotencyKey)
  socket.ack(again.ref, at(1))
  expect(await sent).toEqual({ id: at(1) })
})
