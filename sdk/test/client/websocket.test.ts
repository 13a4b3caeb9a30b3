// The WebSocket client against a scripted server: every fault that a network or a server can have.
import { expect, test, vi } from 'vitest'

import { TakoError } from '../../src/client/index.js'
import { until } from '../support/until.js'
import { at, count, ids, useHarness, watchTimers } from './harness.js'

const harness = useHarness()

test('a dropped connection is resumed at the last message', async () => {
  const listener = harness.listen(harness.client())
  const first = await harness.server.nextSocket()
  expect((await first.accept(at(3))).data).toEqual({ channel: 'room', params: { id: '1' } })
  first.message(at(4), 'a')
  await count(listener, 1)
  first.drop()
  const second = await harness.server.nextSocket()
  expect((await second.accept(at(4))).data.lastMessageId).toBe(at(4))
  second.message(at(5), 'b')
  await count(listener, 2)
  expect(ids(listener)).toEqual([at(4), at(5)])
  expect(listener.changes).toEqual([
    'open',
    'waiting connection-failed',
    'connecting connection-failed',
    'open',
  ])
})

test('a connection that broke before any message is resumed where it started', async () => {
  const listener = harness.listen(harness.client())
  const first = await harness.server.nextSocket()
  await first.accept(at(3))
  await listener.status('open')
  first.drop()
  expect((await (await harness.server.nextSocket()).accept(at(3))).data.lastMessageId).toBe(at(3))
})

test('a handshake without an answer is given up and tried again', async () => {
  harness.server.isStalled = true
  const listener = harness.listen(harness.client({ timeoutMs: 100 }))
  await until('two handshakes', () => harness.server.handshakes >= 2)
  expect(listener.changes[0]).toBe('waiting timeout')
  harness.server.isStalled = false
  await (await harness.server.nextSocket()).accept(at(0))
  await listener.status('open')
})

test('a subscribe without an answer is given up with its connection', async () => {
  const listener = harness.listen(harness.client({ timeoutMs: 100 }))
  const mute = await harness.server.nextSocket()
  await mute.next()
  await harness.server.nextSocket()
  expect(listener.changes[0]).toBe('waiting timeout')
  expect(mute.isClosed).toBe(true)
})

test('a slow app: connecting until the server says ready', async () => {
  const listener = harness.listen(harness.client())
  const socket = await harness.server.nextSocket()
  const { ref } = await socket.next()
  expect(listener.subscription.status).toBe('connecting')
  expect(listener.subscription.cursor).toBeNull()
  const data = { ref, id: at(0), subject: 'ann', resumed: false }
  socket.send({ type: 'tako.ready', data, key: 'k' })
  await listener.status('open')
  expect(listener.subscription).toMatchObject({ cursor: at(0), subject: 'ann', error: null })
})

test.each(['{"type":', '[]', '7', '{"data":1}'])(
  'the bad frame %s ends the connection',
  async (bad) => {
    const listener = harness.listen(harness.client())
    const socket = await harness.server.nextSocket()
    await socket.accept(at(0))
    socket.message(at(1), 'a')
    await count(listener, 1)
    socket.raw(bad)
    const next = await harness.server.nextSocket()
    expect((await next.accept(at(1))).data.lastMessageId).toBe(at(1))
    expect(listener.changes).toContain('waiting answer-malformed')
  },
)

test('control frames of a newer server are passed over', async () => {
  const listener = harness.listen(harness.client())
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.send({ type: 'tako.future', data: { a: 1 }, key: 'room?id=1' })
  socket.message(at(1), 'a')
  await count(listener, 1)
})

test.each([
  ['a repeated message', 2],
  ['a message out of order', 1],
])('%s shows as an error, is not delivered, and the subscription starts anew', async (_, again) => {
  const listener = harness.listen(harness.client())
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  for (const n of [1, 2, again, 3]) socket.message(at(n), n)
  await until('the fault', () => listener.changes.includes('waiting answer-malformed'))
  expect(ids(listener)).toEqual([at(1), at(2)])
  expect((await socket.next()).type).toBe('tako.unsubscribe')
  expect((await socket.accept(at(2))).data.lastMessageId).toBe(at(2))
  socket.message(at(3), 3)
  await count(listener, 3)
  expect(ids(listener)).toEqual([at(1), at(2), at(3)])
})

test('a message of a new epoch goes on', async () => {
  const listener = harness.listen(harness.client())
  const socket = await harness.server.nextSocket()
  await socket.accept(at(8))
  socket.message(at(9, 2), 'a')
  await count(listener, 1)
  expect(listener.subscription.cursor).toBe(at(9, 2))
})

test.each(['params-invalid', 'channel-unknown', 'verify-rejected', 'transport-not-enabled'])(
  '%s is final for its subscription alone',
  async (code) => {
    const client = harness.client()
    const bad = harness.listen(client, {}, 'bad')
    const good = harness.listen(client, {}, 'good')
    const socket = await harness.server.nextSocket()
    await socket.refuse(code, false)
    await socket.accept(at(0), 'good')
    await good.status('open')
    await bad.status('failed')
    expect(bad.changes).toEqual([`failed ${code}`])
    await expect(bad.subscription.send('say', 1)).rejects.toMatchObject({ code })
    expect(socket.received).toHaveLength(2)
    bad.subscription.retry()
    await socket.accept(at(0), 'bad')
    await bad.status('open')
    expect(harness.server.handshakes).toBe(1)
  },
)

test('a final close that is about the only subscription ends it', async () => {
  const { pending, setTimer } = watchTimers()
  const listener = harness.listen(harness.client({}, { setTimer }))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  socket.close(4404, 'channel-unknown')
  await listener.status('failed')
  expect(listener.subscription.error?.code).toBe('channel-unknown')
  await until('the end of all timers', () => pending.size === 0)
  expect(harness.server.handshakes).toBe(1)
})

test('a refusal for now is asked again on the same connection', async () => {
  const listener = harness.listen(harness.client())
  const socket = await harness.server.nextSocket()
  await socket.refuse('unavailable', true)
  await socket.accept(at(0))
  await listener.status('open')
  expect(listener.changes).toEqual(['waiting unavailable', 'connecting unavailable', 'open'])
  expect(harness.server.handshakes).toBe(1)
})

test('a subscription that the server ends comes back at its cursor', async () => {
  const listener = harness.listen(harness.client())
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.message(at(1), 'a')
  await count(listener, 1)
  socket.error('definitions-changed', true, undefined, 'room?id=1')
  expect((await socket.accept(at(1))).data.lastMessageId).toBe(at(1))
})

test('a refused token function is asked once more, and then it is final', async () => {
  let asked = 0
  const listener = harness.listen(harness.client({ token: () => `t${++asked}` }))
  const socket = await harness.server.nextSocket()
  expect((await socket.refuse('verify-rejected', false)).data.token).toBe('Bearer t1')
  expect((await socket.refuse('verify-rejected', false)).data.token).toBe('Bearer t2')
  await listener.status('failed')
  expect(asked).toBe(2)
})

test('a fresh token that is accepted is the end of the matter', async () => {
  let asked = 0
  const listener = harness.listen(harness.client(), { token: async () => `Custom t${++asked}` })
  const socket = await harness.server.nextSocket()
  expect((await socket.refuse('unauthorized', false)).data.token).toBe('Custom t1')
  expect((await socket.accept(at(0))).data.token).toBe('Custom t2')
  await listener.status('open')
})

test('a refused fixed token is final; setToken tries again', async () => {
  const client = harness.client({ token: 'old' })
  const listener = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.refuse('verify-rejected', false)
  await listener.status('failed')
  client.setToken('new')
  expect((await socket.accept(at(0))).data.token).toBe('Bearer new')
  await listener.status('open')
})

test('setToken when the last subscriber of a refused channel has just left asks for nothing', async () => {
  const client = harness.client({ token: 'old' })
  const refused = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.refuse('verify-rejected', false)
  await refused.status('failed')
  refused.subscription.close()
  client.setToken('new') // An attempt without a subscriber would end as an unhandled rejection.
  const listener = harness.listen(client, {}, '2')
  expect((await socket.accept(at(0))).data).toMatchObject({ params: { id: '2' } })
  await listener.status('open')
})

test('a token function that throws is a failure for now, and its exception is told', async () => {
  let asked = 0
  const cause = new Error('no session')
  const token = () => {
    if (++asked === 1) throw cause
    return 'good'
  }
  const listener = harness.listen(harness.client({ token }))
  await until('the failure', () => listener.subscription.error !== null)
  expect(listener.subscription.error).toMatchObject({ code: 'connection-failed', cause })
  await (await harness.server.nextSocket()).accept(at(0))
  await listener.status('open')
})

test('tako.reauth asks the token function anew', async () => {
  let asked = 0
  const listener = harness.listen(harness.client({ token: async () => `t${++asked}` }))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  socket.send({ type: 'tako.reauth', data: { before: 1 }, key: 'room?id=1' })
  expect(await socket.next()).toEqual({ type: 'tako.auth', token: 'Bearer t2', key: 'room?id=1' })
})

test('tako.drain says when to come back', async () => {
  const setTimer = vi.fn((callback: () => void, ms: number) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  })
  const listener = harness.listen(harness.client({}, { setTimer, random: () => 0 }))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  socket.send({ type: 'tako.drain', data: { retryMs: 123 } })
  socket.close(1012, 'restarting')
  await (await harness.server.nextSocket()).accept(at(0))
  expect(setTimer.mock.calls.map(([, ms]) => ms)).toContain(123)
  expect(listener.changes).toContain('waiting restarting')
})

test('a page that wakes does not wait', async () => {
  const client = harness.client(
    { backoff: { firstMs: 60_000, maxMs: 60_000 } },
    { random: () => 1 },
  )
  const listener = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  socket.drop()
  await listener.status('waiting')
  expect(client.status).toBe('waiting')
  harness.page('online')
  await (await harness.server.nextSocket()).accept(at(0))
  await listener.status('open')
  expect(client.status).toBe('open')
})

test('a connection that died in its sleep is found out when the page wakes', async () => {
  let now = 0
  const listener = harness.listen(harness.client({ timeoutMs: 100 }, { now: () => now }))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  now = 60_000
  harness.page('wake')
  expect((await socket.next()).type).toBe('tako.unsubscribe') // Nothing answers.
  await (await harness.server.nextSocket()).accept(at(0))
  expect(listener.changes).toContain('waiting timeout')
})

test('a connection that lives answers the wake, and stays', async () => {
  let now = 0
  const { fired, setTimer } = watchTimers()
  const seams = { now: () => now, setTimer }
  const listener = harness.listen(harness.client({ timeoutMs: 500 }, seams))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  now = 60_000
  harness.page('wake')
  const { ref } = await socket.next()
  now += 1
  socket.error('subscription-unknown', false, ref)
  await until('the end of its patience', () => fired.includes(500))
  expect(listener.changes).toEqual(['open'])
})

test('who subscribes and closes at once, as strict mode does, is not heard of', async () => {
  const client = harness.client()
  harness.listen(client).subscription.close()
  const listener = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  expect(socket.received).toHaveLength(1)
})

test('who closes before the answer is unsubscribed when it comes', async () => {
  const client = harness.client()
  const listener = harness.listen(client)
  const other = harness.listen(client, {}, 'other')
  const socket = await harness.server.nextSocket()
  const { ref } = await socket.next()
  await socket.accept(at(0), 'other')
  listener.subscription.close()
  await other.status('open')
  const data = { ref, id: at(0), subject: null, resumed: false }
  socket.send({ type: 'tako.ready', data, key: 'k' })
  expect(await socket.next()).toMatchObject({ type: 'tako.unsubscribe', data: { key: 'k' } })
  expect(listener.changes).toEqual(['closed'])
})

test('the last to close leaves a connection that waits a moment, then closes', async () => {
  const client = harness.client()
  const listener = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  listener.subscription.close()
  const next = harness.listen(client, {}, 'next')
  expect((await socket.next()).type).toBe('tako.unsubscribe')
  await socket.accept(at(0), 'next')
  await next.status('open')
  next.subscription.close()
  await until('the connection to close', () => socket.isClosed)
  expect(client.status).toBe('idle')
  expect(harness.server.handshakes).toBe(1)
})

test('one that joins with an older cursor gets what it missed; the other gets nothing twice', async () => {
  const client = harness.client()
  const first = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(5))
  socket.message(at(6), 'f')
  await count(first, 1)
  const second = harness.listen(client, { lastEventId: at(4) })
  expect((await socket.next()).type).toBe('tako.unsubscribe')
  expect((await socket.accept(at(4))).data.lastMessageId).toBe(at(4))
  for (const n of [5, 6, 7]) socket.message(at(n), n)
  await count(second, 3)
  expect(ids(second)).toEqual([at(5), at(6), at(7)])
  expect(ids(first)).toEqual([at(6), at(7)])
  expect(first.changes).toEqual(['open'])
})

test('cursors of two epochs: each is judged by the server, and it comes to an end', async () => {
  const client = harness.client()
  const gaps: unknown[] = []
  const first = harness.listen(client, { lastEventId: at(5, 2) })
  const second = harness.listen(client, {
    lastEventId: at(900, 1),
    onGap: (gap) => void gaps.push(gap),
  })
  const socket = await harness.server.nextSocket()
  expect((await socket.accept(at(5, 2))).data.lastMessageId).toBe(at(5, 2))
  expect((await socket.next()).type).toBe('tako.unsubscribe')
  expect((await socket.accept(at(900, 1))).data.lastMessageId).toBe(at(900, 1))
  const gap = { from: at(900, 1), to: at(7, 2), reason: 'history-lost' }
  socket.send({ type: 'tako.gap', data: gap, key: 'room?id=1' })
  await until('the gap', () => gaps.length === 1)
  // The first stands at 5 of the new epoch: it is owed 6 and 7.
  expect((await socket.next()).type).toBe('tako.unsubscribe')
  expect((await socket.accept(at(5, 2))).data.lastMessageId).toBe(at(5, 2))
  for (const n of [6, 7, 8]) socket.message(at(n, 2), n)
  await count(first, 3)
  expect(ids(first)).toEqual([at(6, 2), at(7, 2), at(8, 2)])
  expect(ids(second)).toEqual([at(8, 2)])
  expect(gaps).toEqual([gap])
})

test('a channel that the server knows by another name is joined', async () => {
  const client = harness.client()
  const a = harness.listen(client, {}, 'a')
  const b = harness.listen(client, {}, 'b')
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0), 'same')
  const early = b.subscription.send('say', 1)
  await socket.refuse('subscription-exists', false, 'same')
  await b.status('open')
  const { ref, key } = await socket.next()
  expect(key).toBe('same')
  socket.message(at(1), 1, 'same')
  socket.ack(ref, at(1), 'same')
  expect(await early).toEqual({ id: at(1) })
  expect([ids(a), ids(b)]).toEqual([[at(1)], [at(1)]])
})

test('who is closed by a neighbour in the middle of a message gets no more', async () => {
  const client = harness.client()
  const first = harness.listen(client, { onMessage: () => second.subscription.close() })
  const second = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.message(at(1), 'a')
  await until('the message', () => first.subscription.cursor === at(1))
  expect(second.received).toEqual([])
})

test('a callback that throws is reported, and nobody else is touched', async () => {
  const client = harness.client()
  const fault = new Error('in a callback')
  const bad = harness.listen(client, {
    onMessage: () => {
      throw fault
    },
  })
  const good = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.message(at(1), 'a')
  await count(good, 1)
  expect(harness.reported).toEqual([fault])
  expect(bad.subscription.cursor).toBe(at(1))
})

test('without a WebSocket the subscription says what to do', async () => {
  const client = harness.client({}, { WebSocket: undefined })
  const options = { baseUrl: harness.server.url }
  const { createClient } = await import('../../src/client/index.js')
  const bare = createClient(options, { WebSocket: undefined })
  const subscription = bare.subscribe('room', { id: '1' })
  await until('the failure', () => subscription.status === 'failed')
  expect(subscription.error?.code).toBe('usage-invalid')
  expect(subscription.error?.hint).toMatch(/WebSocket/)
  bare.close()
  client.close()
})

test('misuse is told at once', () => {
  const client = harness.client()
  const subscribe = (options: object) => () => client.subscribe('room', { id: '1' }, options)
  expect(subscribe({ lastEventId: 'abc' })).toThrow(TakoError)
  expect(() => client.subscribe('no name', {})).toThrow(/channel name/)
  client.close()
  expect(client.status).toBe('closed')
  expect(subscribe({})).toThrow(/closed/)
})

test('close ends all, with promises refused', async () => {
  const client = harness.client()
  const listener = harness.listen(client)
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  const sent = listener.subscription.send('say', 1)
  await socket.next()
  const refused = expect(sent).rejects.toMatchObject({ code: 'aborted' })
  client.close()
  await refused
  await until('the socket to close', () => socket.isClosed)
  expect(listener.changes).toEqual(['open', 'closed'])
})

test('a server that asks for renewal without a pause is answered once a second', async () => {
  let asked = 0
  const delays: number[] = []
  const setTimer = (callback: () => void, ms: number) => {
    delays.push(ms)
    const timer = setTimeout(callback, Math.min(ms, 50))
    return () => clearTimeout(timer)
  }
  const token = () => `t${++asked}`
  const listener = harness.listen(harness.client({ token }, { setTimer, now: () => 5_000 }))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  const reauth = { type: 'tako.reauth', data: { before: 1 }, key: 'room?id=1' }
  socket.send(reauth)
  await socket.next()
  delays.splice(0)
  socket.send(reauth)
  await socket.next()
  expect(delays).toContain(1_000)
  expect(asked).toBe(3)
})

test('a renewal whose token function fails is tried again, and tells nobody yet', async () => {
  const answers = ['first', new Error('no network'), new Error('no network'), 'second']
  const token = () => {
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    return answer ?? null
  }
  const delays: number[] = []
  const report = vi.fn()
  const setTimer = (callback: () => void, ms: number) => {
    delays.push(ms)
    const timer = setTimeout(callback, Math.min(ms, 50))
    return () => clearTimeout(timer)
  }
  const listener = harness.listen(harness.client({ token }, { setTimer, report }))
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  await listener.status('open')
  socket.send({ type: 'tako.reauth', data: { before: 1 }, key: 'room?id=1' })
  expect(await socket.next()).toMatchObject({ type: 'tako.auth', token: 'Bearer second' })
  expect(delays.filter((ms) => ms === 3_000)).toHaveLength(2)
  expect(report).not.toHaveBeenCalled()
  expect(listener.changes).toEqual(['open'])
})
