// Gaps and cursors: what the app is told, what waits for it, what a reload of the page keeps.
import { expect, test } from 'vitest'

import type { Gap } from '../../src/client/index.js'
import { until } from '../support/until.js'
import { at, count, ids, useHarness } from './harness.js'

const harness = useHarness()

function gate() {
  let open = () => {}
  const passed = new Promise<void>((resolve) => (open = resolve))
  return { open: () => open(), passed }
}

const gap = (from: number, to: number): Gap => ({
  from: at(from),
  to: at(to),
  reason: 'window-passed',
})

test('messages behind a gap wait until the state is loaded', async () => {
  const reload = gate()
  const gaps: Gap[] = []
  const listener = harness.listen(harness.client(), {
    onGap: (told) => {
      gaps.push(told)
      return reload.passed
    },
  })
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.message(at(1), 1)
  socket.send({ type: 'tako.gap', data: gap(1, 5), key: 'room?id=1' })
  socket.message(at(6), 6)
  await until('the gap', () => gaps.length === 1)
  socket.drop()
  const second = await harness.server.nextSocket()
  // What is held was received: it is not asked for again.
  expect((await second.accept(at(6))).data.lastMessageId).toBe(at(6))
  second.message(at(7), 7)
  await listener.status('open')
  expect(ids(listener)).toEqual([at(1)])
  expect(listener.subscription.cursor).toBe(at(5))
  reload.open()
  await count(listener, 3)
  expect(ids(listener)).toEqual([at(1), at(6), at(7)])
  expect(listener.subscription.cursor).toBe(at(7))
  expect(gaps).toEqual([gap(1, 5)])
})

test('more than is held is fetched again from the cursor, once there is room', async () => {
  const reload = gate()
  const listener = harness.listen(harness.client(), { onGap: () => reload.passed })
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.send({ type: 'tako.gap', data: gap(0, 5), key: 'room?id=1' })
  for (let n = 6; n <= 1_205; n++) socket.message(at(n), n)
  const other = harness.listen(harness.client())
  const otherSocket = await harness.server.nextSocket()
  await otherSocket.accept(at(0)) // By now the frames before have been read.
  await other.status('open')
  reload.open()
  await count(listener, 1_000)
  expect((await socket.next()).type).toBe('tako.unsubscribe')
  expect((await socket.accept(at(1_005))).data.lastMessageId).toBe(at(1_005))
  for (let n = 1_006; n <= 1_206; n++) socket.message(at(n), n)
  await count(listener, 1_201)
  expect(ids(listener)).toEqual(Array.from({ length: 1_201 }, (_, n) => at(n + 6)))
})

test('a second gap waits for the first to be dealt with', async () => {
  const gates = [gate(), gate()]
  const told: string[] = []
  const listener = harness.listen(harness.client(), {
    onGap: ({ to }) => {
      told.push(to)
      return gates[told.length - 1]?.passed
    },
  })
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.send({ type: 'tako.gap', data: gap(0, 5), key: 'room?id=1' })
  socket.message(at(6), 6)
  socket.send({ type: 'tako.gap', data: gap(6, 9), key: 'room?id=1' })
  socket.message(at(10), 10)
  await until('the first gap', () => told.length === 1)
  gates[0]?.open()
  await until('the second gap', () => told.length === 2)
  expect(ids(listener)).toEqual([at(6)])
  gates[1]?.open()
  await count(listener, 2)
  expect(ids(listener)).toEqual([at(6), at(10)])
})

test('stop ends the subscription', async () => {
  const listener = harness.listen(harness.client(), { onGap: () => 'stop' })
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.send({ type: 'tako.gap', data: gap(0, 5), key: 'room?id=1' })
  socket.message(at(6), 6)
  await listener.status('closed')
  expect(listener.received).toEqual([])
})

test('a reload that fails is reported, and delivery goes on', async () => {
  const fault = new Error('could not load')
  const listener = harness.listen(harness.client(), { onGap: () => Promise.reject(fault) })
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.send({ type: 'tako.gap', data: gap(0, 5), key: 'room?id=1' })
  socket.message(at(6), 6)
  await count(listener, 1)
  expect(harness.reported).toEqual([fault])
})

test('a gap concerns those that missed it only', async () => {
  const client = harness.client()
  const [early, late]: [Gap[], Gap[]] = [[], []]
  harness.listen(client, { lastEventId: at(1), onGap: (told) => void early.push(told) })
  const ahead = harness.listen(client, {
    lastEventId: at(9),
    onGap: (told) => void late.push(told),
  })
  const socket = await harness.server.nextSocket()
  await socket.accept(at(1))
  socket.send({ type: 'tako.gap', data: gap(1, 5), key: 'room?id=1' })
  for (const n of [8, 9, 10]) socket.message(at(n), n)
  await count(ahead, 1)
  expect(early).toEqual([gap(1, 5)])
  expect(late).toEqual([])
  expect(ids(ahead)).toEqual([at(10)])
})

test('with resumeOnReload the cursor outlives the page', async () => {
  const first = harness.client()
  const before = harness.listen(first, { resumeOnReload: true })
  const socket = await harness.server.nextSocket()
  await socket.accept(at(0))
  socket.message(at(1), 1)
  await count(before, 1)
  harness.page('hide')
  socket.message(at(2), 2)
  await count(before, 2)
  socket.drop() // A page that is killed closes nothing.
  expect([...harness.storage.values()]).toEqual([at(1)])
  first.close()
  expect([...harness.storage.values()]).toEqual([at(2)])
  harness.listen(harness.client(), { resumeOnReload: true })
  const next = await harness.server.nextSocket()
  expect((await next.accept(at(2))).data.lastMessageId).toBe(at(2))
})

test('a stored cursor that is none is not used, and without the option none is kept', async () => {
  const key = `tako-channels:${harness.server.url} room?{"id":"1"}`
  harness.storage.set(key, 'nonsense')
  const client = harness.client()
  harness.listen(client, { resumeOnReload: true })
  const socket = await harness.server.nextSocket()
  expect((await socket.accept(at(0))).data.lastMessageId).toBeUndefined()
  harness.listen(client, {}, '2')
  await socket.accept(at(0), 'room?id=2')
  harness.page('hide')
  expect([...harness.storage.keys()]).toEqual([key])
})
