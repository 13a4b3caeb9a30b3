// Tabs that share a connection: one leads, the others follow, and take over where they stand.
import { expect, test } from 'vitest'

import type { ClientOptions, PresenceChange } from '../../src/client/index.js'
import { FakeLocks } from '../support/fake_locks.js'
import { until } from '../support/until.js'
import { at, count, ids, useHarness, watchTimers } from './harness.js'

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

const ann = { subject: 'ann', since: 1 }
const bob = { subject: 'bob', since: 2 }

/** Two tabs of one user in a room. */
async function twoPresent() {
  const openTab = origin()
  const tell = (told: string[]) => (changes: readonly PresenceChange[]) =>
    void told.push(...changes.map(({ action, member }) => `${action} ${member.subject}`))
  const told: [string[], string[]] = [[], []]
  const leader = openTab()
  const first = harness.listen(leader, { presence: true, onPresence: tell(told[0]) })
  const socket = await harness.server.nextSocket()
  await socket.accept(at(5), 'room?id=1', 'ann')
  socket.members('1-a', [ann])
  const follower = openTab()
  const second = harness.listen(follower, { presence: { data: 2 }, onPresence: tell(told[1]) })
  const shows = (wanted: string) =>
    until(wanted, () =>
      [first, second].every(({ subscription: { presence } }) => {
        return presence?.members.map(({ subject }) => subject).join() === wanted
      }),
    )
  const update = await socket.next()
  socket.ack(update.ref, null)
  await shows('ann')
  return { leader, follower, first, second, socket, told, shows, update }
}

test('two tabs of one user are one member, and both are told the list', async () => {
  const { socket, told, shows, second, update } = await twoPresent()
  expect(update.data).toEqual({ action: 'update', data: 2 })
  socket.changes('1-a', '2-a', [{ action: 'enter', ...bob }])
  await shows('ann,bob')
  expect(told).toEqual([
    ['present ann', 'enter bob'],
    ['present ann', 'enter bob'],
  ])
  expect(second.subscription.presence?.self).toEqual(ann)
  expect(harness.server.handshakes).toBe(1)
})

test('what a follower says goes through the leader, and so do refusals', async () => {
  const { socket, second } = await twoPresent()
  const said = second.subscription.presence?.update('away')
  const frame = await socket.next()
  expect(frame).toMatchObject({ type: 'tako.presence', data: { action: 'update', data: 'away' } })
  socket.ack(frame.ref, null)
  await said
  const refused = second.subscription.presence?.update('x'.repeat(2_000))
  socket.error('payload-too-large', false, (await socket.next()).ref, 'room?id=1')
  await expect(refused).rejects.toMatchObject({ code: 'payload-too-large' })
})

test('when the leader goes nobody left, and the follower says what it had said', async () => {
  const { leader, socket, told, second } = await twoPresent()
  leader.close()
  await until('its close', () => socket.isClosed)
  expect(socket.closeCode).toBe(3000)
  expect(socket.received.map(({ type }) => type)).not.toContain('tako.unsubscribe')
  const next = await harness.server.nextSocket()
  const asked = await next.accept(at(5), 'room?id=1', 'ann')
  expect(asked.data).toMatchObject({ presence: true, presenceData: 2, presenceVersion: '1-a' })
  next.changes('1-a', '2-a', [{ action: 'enter', ...bob }])
  await until('bob', () => second.subscription.presence?.members.length === 2)
  expect(told[1]).toEqual(['present ann', 'enter bob'])
})

test('a tab that reloads does not leave: its subscription is kept for the grace', async () => {
  const locks = new FakeLocks()
  const channels: BroadcastChannel[] = []
  const makeChannel = (name: string) => {
    const channel = new BroadcastChannel(name)
    channels.push(channel)
    return channel
  }
  const openTab = (seams = {}) =>
    harness.client({ shareTabs: true }, { tabs: { locks, makeChannel }, ...seams })
  const timers = watchTimers()
  const leader = openTab({ setTimer: timers.setTimer })
  const other = harness.listen(leader, {}, '2')
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0), 'room?id=2')
  await other.status('open')
  const tab = openTab()
  const before = harness.listen(tab, { presence: true })
  await socket.accept(at(5), 'room?id=1', 'ann')
  await before.status('open')
  // To the others it is a tab that says nothing more, and whose lock is free.
  const [, channel] = channels
  if (channel !== undefined) channel.postMessage = () => {}
  tab.close()
  const reloaded = harness.listen(openTab(), { presence: true })
  await reloaded.status('open')
  socket.message(at(6), 6)
  await count(reloaded, 1)
  expect(socket.received.map(({ type }) => type)).toEqual(['tako.subscribe', 'tako.subscribe'])
})

test('a tab that says goodbye leaves at once', async () => {
  const { openTab, socket } = await twoTabs()
  const tab = openTab()
  const listener = harness.listen(tab, { presence: true }, '2')
  await socket.accept(at(0), 'room?id=2', 'ann')
  await listener.status('open')
  listener.subscription.close()
  expect(await socket.next()).toMatchObject({
    type: 'tako.unsubscribe',
    data: { key: 'room?id=2' },
  })
})
