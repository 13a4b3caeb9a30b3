// Presence over a scripted server: who is told, what is said, and what of it survives a lost connection.
import { describe, expect, test } from 'vitest'

import type { PresenceChange, SubscribeOptions } from '../../src/client/index.js'
import { until } from '../support/until.js'
import { type Messages, at, useHarness } from './harness.js'

const harness = useHarness()

const ann = { subject: 'ann', since: 1 }
const bob = { subject: 'bob', since: 2 }

function watch(options: SubscribeOptions<Messages> = {}, client = harness.client()) {
  const told: string[] = []
  const listener = harness.listen(client, {
    presence: true,
    onPresence: (changes: readonly PresenceChange[]) =>
      void told.push(changes.map(({ action, member }) => `${action} ${member.subject}`).join(', ')),
    ...options,
  })
  const presence = listener.subscription.presence
  if (presence === null) throw new Error('no presence')
  const subjects = () => presence.members.map(({ subject }) => subject).join()
  const shows = (wanted: string) =>
    until(`${wanted}, not ${subjects()}`, () => subjects() === wanted)
  return { ...listener, client, presence, told, shows }
}

/** A subscription whose list is there. */
async function present(options: SubscribeOptions<Messages> = {}) {
  const listener = watch(options)
  const socket = await harness.server.nextSocket()
  const asked = await socket.accept(at(5), 'room?id=1', 'ann')
  socket.members('2-a', [ann, bob])
  await listener.shows('ann,bob')
  return { ...listener, socket, asked }
}

describe('what is told', () => {
  test('a list, then its changes, of one frame in one call', async () => {
    const { told, presence, socket, shows, asked } = await present()
    expect(asked.data).toEqual({ channel: 'room', params: { id: '1' }, presence: true })
    expect(presence.kind).toBe('list')
    expect(presence.self).toEqual(ann)
    socket.changes('2-a', '5-a', [
      { action: 'enter', subject: 'cid', since: 3, info: { name: 'Cid' } },
      { action: 'leave', subject: 'bob', reason: 'lost' },
    ])
    await shows('ann,cid')
    expect(presence.members[1]).toEqual({ subject: 'cid', since: 3, info: { name: 'Cid' } })
    expect(told).toEqual(['', 'present ann, present bob', 'enter cid, leave bob'])
  })

  test('counts alone, where that is asked for', async () => {
    const { presence, told } = watch({ presence: 'counts' })
    const socket = await harness.server.nextSocket()
    expect((await socket.accept(at(0))).data.presence).toBe('counts')
    socket.occupancy(12, 9)
    await until('the counts', () => presence.occupancy !== null)
    expect(presence.occupancy).toEqual({ connections: 12, subjects: 9 })
    expect([presence.kind, presence.members]).toEqual(['counts', []])
    expect(told).toEqual(['', ''])
  })

  test('that the channel has none', async () => {
    const { presence, told } = watch()
    const socket = await harness.server.nextSocket()
    const { ref } = await socket.next()
    const data = { ref, id: at(0), subject: null, resumed: false, presence: null }
    socket.send({ type: 'tako.ready', data, key: 'room?id=1' })
    await until('an answer', () => presence.kind === 'off')
    expect(told).toEqual([''])
  })

  test('nobody who did not ask is told anything, and nothing is asked for them', async () => {
    const listener = harness.listen(harness.client())
    const socket = await harness.server.nextSocket()
    expect((await socket.accept(at(0))).data).toEqual({ channel: 'room', params: { id: '1' } })
    await listener.status('open')
    expect(listener.subscription.presence).toBeNull()
  })

  test('an exception of the callback is reported, and the list goes on', async () => {
    const fault = new Error('mine')
    const { shows, socket } = await present({
      onPresence: () => {
        throw fault
      },
    })
    socket.changes('2-a', '3-a', [{ action: 'leave', subject: 'bob' }])
    await shows('ann')
    expect(harness.reported).toContain(fault)
  })

  test('changes behind another version: the list is asked for again, with the version held', async () => {
    const { socket, shows, changes } = await present()
    socket.changes('9-a', '10-a', [{ action: 'leave', subject: 'bob' }])
    expect(await socket.next()).toMatchObject({ type: 'tako.unsubscribe' })
    const again = await socket.accept(at(5), 'room?id=1', 'ann')
    expect(again.data).toMatchObject({ presence: true, presenceVersion: '2-a' })
    socket.members('10-a', [ann])
    await shows('ann')
    expect(changes).toContain('waiting answer-malformed')
  })
})

describe('a lost connection', () => {
  test('the list is kept, asked for by its version, and changes go on behind it', async () => {
    const { socket, presence, shows, told } = await present()
    socket.drop()
    const next = await harness.server.nextSocket()
    expect(presence.members).toHaveLength(2)
    expect((await next.accept(at(5), 'room?id=1', 'ann')).data).toMatchObject({
      lastMessageId: at(5),
      presence: true,
      presenceVersion: '2-a',
    })
    next.changes('2-a', '3-a', [{ action: 'leave', subject: 'bob', reason: 'left' }])
    await shows('ann')
    expect(told).toEqual(['', 'present ann, present bob', '', 'leave bob'])
  })

  test('a new list in its place tells who came and went, and nobody twice', async () => {
    const { socket, shows, told } = await present()
    socket.drop()
    const next = await harness.server.nextSocket()
    await next.accept(at(5), 'room?id=1', 'ann')
    next.members('1-b', [ann, { subject: 'cid', since: 7 }])
    await shows('ann,cid')
    expect(told.at(-1)).toBe('leave bob, enter cid')
  })

  test('what was said is said again', async () => {
    const { socket, presence } = await present({ presence: { data: { at: 'door' } } })
    const said = presence.update({ at: 'desk' })
    const { ref, ...frame } = await socket.next()
    expect(frame).toEqual({
      type: 'tako.presence',
      data: { action: 'update', data: { at: 'desk' } },
      key: 'room?id=1',
    })
    socket.ack(ref, null)
    await said
    socket.drop()
    const next = await harness.server.nextSocket()
    expect((await next.accept(at(5))).data.presenceData).toEqual({ at: 'desk' })
  })

  test('a word on its way is heard with the next subscription', async () => {
    const { socket, presence } = await present()
    const said = presence.update('typing')
    await socket.next()
    socket.drop()
    const next = await harness.server.nextSocket()
    expect((await next.accept(at(5))).data.presenceData).toBe('typing')
    await said
  })

  test('a connection that the client gives up is closed so that the grace begins', async () => {
    const { socket } = await present()
    socket.raw('no JSON')
    await until('its close', () => socket.isClosed)
    expect(socket.closeCode).toBe(3000)
    const next = await harness.server.nextSocket()
    await next.accept(at(5))
  })

  test('a client that is closed says goodbye', async () => {
    const { socket, client } = await present()
    client.close()
    await until('its close', () => socket.isClosed)
    expect([1000, 1005]).toContain(socket.closeCode)
  })
})

describe('what is said', () => {
  test('of several words in a row the last one counts', async () => {
    const { socket, presence } = await present()
    const words = [1, 2, 3].map((n) => presence.update(n))
    const first = await socket.next()
    expect(first.data).toEqual({ action: 'update', data: 1 })
    socket.ack(first.ref, null)
    const last = await socket.next()
    expect(last.data).toEqual({ action: 'update', data: 3 })
    socket.ack(last.ref, null)
    await Promise.all(words)
    expect(socket.received).toHaveLength(3)
  })

  test('leave and enter, while the subscription goes on', async () => {
    const { socket, presence, subscription } = await present()
    const leaving = presence.leave()
    const leave = await socket.next()
    expect(leave.data).toEqual({ action: 'leave' })
    socket.ack(leave.ref, null)
    await leaving
    const entering = presence.enter({ back: true })
    const enter = await socket.next()
    expect(enter.data).toEqual({ action: 'enter', data: { back: true } })
    socket.ack(enter.ref, null)
    await entering
    expect(subscription.status).toBe('open')
  })

  test('enter: false is not listed, also after a reconnect, until it enters', async () => {
    const { socket, presence, asked } = await present({ presence: { enter: false } })
    expect(asked.data.presenceEnter).toBe(false)
    socket.drop()
    const next = await harness.server.nextSocket()
    expect((await next.accept(at(5))).data.presenceEnter).toBe(false)
    const entering = presence.enter()
    const frame = await next.next()
    expect(frame.data).toEqual({ action: 'enter' })
    next.ack(frame.ref, null)
    await entering
    next.drop()
    const third = await harness.server.nextSocket()
    expect((await third.accept(at(5))).data).not.toHaveProperty('presenceEnter')
  })

  test('a refusal is told to whoever said it, and is no trouble of the subscription', async () => {
    const { socket, presence, subscription } = await present()
    const said = presence.update('x'.repeat(2000))
    socket.error('payload-too-large', false, (await socket.next()).ref, 'room?id=1')
    await expect(said).rejects.toMatchObject({ code: 'payload-too-large', retryable: false })
    expect(presence.error?.code).toBe('payload-too-large')
    const small = presence.update('x')
    socket.ack((await socket.next()).ref, null)
    await small
    expect(presence.error).toBeNull()
    expect(subscription.status).toBe('open')
  })

  test('a refusal is of the word that was refused, not of the one behind it', async () => {
    const { socket, presence } = await present()
    const big = presence.update('x'.repeat(2000))
    const refused = expect(big).rejects.toMatchObject({ code: 'payload-too-large' })
    const { ref } = await socket.next()
    const small = presence.update('x')
    socket.error('payload-too-large', false, ref, 'room?id=1')
    await refused
    const frame = await socket.next()
    expect(frame.data.data).toBe('x')
    socket.ack(frame.ref, null)
    await small
  })

  test('what is said to a subscription that is taken back is refused', async () => {
    const { socket, presence, subscription, status } = await present()
    const said = presence.update(1)
    const refused = expect(said).rejects.toMatchObject({ code: 'revoked' })
    await socket.next()
    socket.error('revoked', false, undefined, 'room?id=1')
    await refused
    await status('failed')
    expect(subscription.error?.code).toBe('revoked')
    expect([presence.kind, presence.members]).toEqual([null, []])
    await expect(presence.update(2)).rejects.toMatchObject({ code: 'revoked' })
    expect(harness.server.handshakes).toBe(1)
  })

  test('a channel that is full: listed later, when it enters again', async () => {
    const { socket, presence, subscription } = await present()
    socket.error('presence-full', true, undefined, 'room?id=1')
    await until('the error', () => presence.error?.code === 'presence-full')
    expect(subscription.status).toBe('open')
    const entering = presence.enter()
    const enter = await socket.next()
    expect(enter.data.action).toBe('enter')
    socket.ack(enter.ref, null)
    await entering
    expect(presence.error).toBeNull()
  })

  test('too many words are said later, the newest of them', async () => {
    const { socket, presence } = await present()
    const first = presence.update(1)
    const { ref } = await socket.next()
    const last = presence.update(2)
    const data = { ref, code: 'rate-limited', message: '', hint: '', retryable: true }
    socket.send({ type: 'tako.error', data: { ...data, retryAfterMs: 20 } })
    const again = await socket.next()
    expect(again.data).toEqual({ action: 'update', data: 2 })
    socket.ack(again.ref, null)
    await Promise.all([first, last])
  })

  test('what JSON can not say is refused, and so is a closed subscription', async () => {
    const { presence, subscription } = await present()
    const nothing = presence.update(undefined)
    await expect(nothing).rejects.toMatchObject({ code: 'usage-invalid' })
    subscription.close()
    await expect(presence.update(1)).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('several subscriptions of one channel', () => {
  test('share one, ask for the most, and each is told the list', async () => {
    const client = harness.client()
    const counts = watch({ presence: 'counts' }, client)
    const plain = harness.listen(client)
    const list = watch({ presence: { data: 'here' } }, client)
    const socket = await harness.server.nextSocket()
    expect((await socket.accept(at(0))).data).toMatchObject({
      presence: true,
      presenceData: 'here',
    })
    socket.members('1-a', [ann])
    await Promise.all([counts.shows('ann'), list.shows('ann'), plain.status('open')])
    const late = watch({}, client)
    await late.shows('ann')
    expect(late.told).toEqual(['present ann'])
    expect(socket.received).toHaveLength(1)
  })

  test('one that comes later has the server asked for presence', async () => {
    const client = harness.client()
    const plain = harness.listen(client)
    const socket = await harness.server.nextSocket()
    await socket.accept(at(0))
    await plain.status('open')
    const late = watch({}, client)
    expect(await socket.next()).toMatchObject({ type: 'tako.unsubscribe' })
    expect((await socket.accept(at(0))).data).toMatchObject({
      presence: true,
      lastMessageId: at(0),
    })
    socket.members('1-a', [ann])
    await late.shows('ann')
  })

  test('one that comes back to a channel that went on without it is not told that it has none', async () => {
    const client = harness.client()
    const plain = harness.listen(client)
    const first = watch({}, client)
    const socket = await harness.server.nextSocket()
    await socket.accept(at(0))
    socket.members('1-a', [ann])
    await first.shows('ann')
    first.subscription.close()
    socket.drop()
    const next = await harness.server.nextSocket()
    expect((await next.accept(at(0))).data).not.toHaveProperty('presence')
    await plain.status('open')
    const again = watch({}, client)
    expect(await next.next()).toMatchObject({ type: 'tako.unsubscribe' })
    expect(again.presence.kind).toBeNull()
    await next.accept(at(0))
    next.members('2-a', [ann, bob])
    await again.shows('ann,bob')
    expect(again.told).toEqual(['', 'present ann, present bob'])
  })

  test('one that leaves takes nobody off who has entered', async () => {
    const client = harness.client()
    const stays = watch({ presence: { enter: true } }, client)
    const leaves = watch({ presence: { enter: true } }, client)
    const socket = await harness.server.nextSocket()
    await socket.accept(at(0))
    socket.members('1-a', [ann])
    await stays.shows('ann')
    const leaving = leaves.presence.leave()
    const frame = await socket.next()
    expect(frame.data.action).toBe('update')
    socket.ack(frame.ref, null)
    await leaving
    const all = stays.presence.leave()
    const last = await socket.next()
    expect(last.data.action).toBe('leave')
    socket.ack(last.ref, null)
    await all
  })

  test('new data of one that comes later are said', async () => {
    const client = harness.client()
    const first = watch({ presence: { data: 1 } }, client)
    const socket = await harness.server.nextSocket()
    await socket.accept(at(0))
    socket.members('1-a', [ann])
    await first.shows('ann')
    watch({ presence: { data: 2 } }, client)
    expect((await socket.next()).data).toEqual({ action: 'update', data: 2 })
  })
})

describe('over an event stream', () => {
  test('the wishes are in the URL, and the list comes as events', async () => {
    const { presence, shows, told, subscription } = watch({
      transport: 'sse',
      presence: { data: { at: 'door' }, enter: false },
    })
    const stream = await harness.server.nextExchange()
    expect(Object.fromEntries(stream.url.searchParams)).toEqual({
      id: '1',
      _events: '1',
      _presence: 'list',
      _presence_enter: '0',
      _presence_data: '{"at":"door"}',
    })
    stream.stream(at(0))
    stream.event('tako.presence', { version: '1-a', members: [ann] })
    stream.event('tako.occupancy', { connections: 3, subjects: 1 })
    await shows('ann')
    await until('the counts', () => presence.occupancy?.connections === 3)
    expect(told[0]).toBe('present ann')
    await expect(presence.update(1)).rejects.toMatchObject({ code: 'usage-invalid' })
    expect(subscription.status).toBe('open')
    stream.end()
    const again = await harness.server.nextExchange()
    expect(again.url.searchParams.get('_presence_version')).toBe('1-a')
  })
})
