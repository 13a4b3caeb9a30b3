// Tabs that share a connection: one leads, the others follow, and take over where they stand.
import { expect, test } from 'vitest'

import type { ClientOptions } from '../../src/client/index.js'
import { FakeLocks } from '../support/fake_locks.js'
import { until } from '../support/until.js'
import { at, count, ids, useHarness } from './harness.js'

const harness = useHarness()

/** Opens tabs of one origin. */
function origin() {
  const locks = new FakeLocks()
  const makeChannel = (name: string) => new BroadcastChannel(name)
  return (options: ClientOptions = {}) =>
    harness.client({ shareTabs: true, ...options }, { tabs: { locks, makeChannel } })
}

async function twoTabs() {
  const openTab = origin()
  const leader = openTab()
  const first = harness.listen(leader)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(5))
  await first.status('open')
  const follower = openTab()
  const second = harness.listen(follower)
  await second.status('open')
  return { openTab, leader, follower, first, second, socket }
}

test('two tabs, one connection: both get each message once', async () => {
  const { first, second, socket, follower } = await twoTabs()
  for (const n of [6, 7, 8]) socket.message(at(n), n)
  await Promise.all([count(first, 3), count(second, 3)])
  expect(ids(first)).toEqual([at(6), at(7), at(8)])
  expect(second.received).toEqual(first.received)
  expect(harness.server.handshakes).toBe(1)
  expect(second.changes).toEqual(['open'])
  await until('the leader’s status', () => follower.status === 'open')
})

test('a channel that only the follower wants is subscribed by the leader', async () => {
  const { socket, follower, first } = await twoTabs()
  const other = harness.listen(follower, { lastEventId: at(2) }, '2')
  expect((await socket.accept(at(2), 'room?id=2')).data).toEqual({
    channel: 'room',
    params: { id: '2' },
    lastMessageId: at(2),
  })
  await other.status('open')
  socket.message(at(3), 'x', 'room?id=2')
  await count(other, 1)
  expect(first.received).toEqual([])
  other.subscription.close()
  expect(await socket.next()).toMatchObject({
    type: 'tako.unsubscribe',
    data: { key: 'room?id=2' },
  })
})

test('a follower’s messages go through the leader, with their own keys', async () => {
  const { socket, second, first } = await twoTabs()
  const sent = second.subscription.send('say', { n: 1 }, { idempotencyKey: 'mine' })
  const frame = await socket.next()
  expect(frame).toMatchObject({ type: 'say', data: { n: 1 }, idempotencyKey: 'mine' })
  socket.message(at(6), { n: 1 })
  socket.ack(frame.ref, at(6))
  expect(await sent).toEqual({ id: at(6) })
  await Promise.all([count(first, 1), count(second, 1)])
  const refused = second.subscription.send('shout', 1)
  socket.error('type-not-allowed', false, (await socket.next()).ref)
  await expect(refused).rejects.toMatchObject({ code: 'type-not-allowed', retryable: false })
})

test('when the leader goes the follower goes on where it stands', async () => {
  const { leader, second, socket, follower } = await twoTabs()
  socket.message(at(6), 6)
  await count(second, 1)
  leader.close()
  const next = await harness.server.nextSocket()
  expect((await next.accept(at(6))).data.lastMessageId).toBe(at(6))
  next.message(at(7), 7)
  await count(second, 2)
  expect(ids(second)).toEqual([at(6), at(7)])
  expect(follower.status).toBe('open')
})

test('a message on its way when the leader goes is sent again by the next, with the same key', async () => {
  const { leader, second, socket } = await twoTabs()
  const sent = second.subscription.send('say', 1)
  const { idempotencyKey } = await socket.next()
  leader.close()
  const next = await harness.server.nextSocket()
  await next.accept(at(5))
  const again = await next.next()
  expect(again.idempotencyKey).toBe(idempotencyKey)
  next.ack(again.ref, at(6))
  expect(await sent).toEqual({ id: at(6) })
})

test('a follower that goes is unsubscribed', async () => {
  const { follower, socket } = await twoTabs()
  const other = harness.listen(follower, {}, '2')
  await socket.accept(at(0), 'room?id=2')
  await other.status('open')
  follower.close()
  expect(await socket.next()).toMatchObject({
    type: 'tako.unsubscribe',
    data: { key: 'room?id=2' },
  })
})

test('gaps and refusals reach the follower as they are', async () => {
  const { follower, socket } = await twoTabs()
  const gaps: unknown[] = []
  const other = harness.listen(
    follower,
    { lastEventId: at(1), onGap: (gap) => void gaps.push(gap) },
    '2',
  )
  await socket.accept(at(1), 'room?id=2')
  const gap = { from: at(1), to: at(9), reason: 'window-passed' }
  socket.send({ type: 'tako.gap', data: gap, key: 'room?id=2' })
  socket.message(at(10), 10, 'room?id=2')
  await count(other, 1)
  expect(gaps).toEqual([gap])
  const refused = harness.listen(follower, {}, '3')
  await socket.refuse('params-invalid', false)
  await refused.status('failed')
  expect(refused.changes).toEqual(['failed params-invalid'])
})

test('the connection breaks: both tabs resume, neither loses or repeats', async () => {
  const { first, second, socket } = await twoTabs()
  socket.message(at(6), 6)
  await Promise.all([count(first, 1), count(second, 1)])
  socket.drop()
  const next = await harness.server.nextSocket()
  expect((await next.accept(at(6))).data.lastMessageId).toBe(at(6))
  await Promise.all([first.status('open'), second.status('open')])
  next.message(at(7), 7)
  await Promise.all([count(first, 2), count(second, 2)])
  expect(ids(first)).toEqual([at(6), at(7)])
  expect(ids(second)).toEqual([at(6), at(7)])
  expect(second.changes).toContain('waiting connection-failed')
})

test('a follower’s token function is asked, for its own channel', async () => {
  const { openTab, socket } = await twoTabs()
  let asked = 0
  const tab = openTab({ token: () => `t${++asked}` })
  const listener = harness.listen(tab, {}, '2')
  expect((await socket.refuse('unauthorized', false)).data.token).toBe('Bearer t1')
  expect((await socket.accept(at(0), 'room?id=2')).data.token).toBe('Bearer t2')
  await listener.status('open')
})

test('seven tabs over event streams use one', async () => {
  const openTab = origin()
  const tabs = Array.from({ length: 7 }, () => harness.listen(openTab(), { transport: 'sse' }))
  const stream = await harness.server.nextExchange()
  stream.stream(at(0))
  await Promise.all(tabs.map((tab) => tab.status('open')))
  stream.message(at(1), 1)
  await Promise.all(tabs.map((tab) => count(tab, 1)))
  expect(harness.server.exchanges).toHaveLength(1)
})

test('without Web Locks each tab has a connection of its own', async () => {
  for (const n of [1, 2]) {
    const listener = harness.listen(harness.client({ shareTabs: true }, { tabs: null }))
    await (await harness.server.nextSocket()).accept(at(0))
    await listener.status('open')
    expect(harness.server.handshakes).toBe(n)
  }
})
