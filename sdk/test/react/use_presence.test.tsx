// usePresence and useOccupancy over a scripted client: what is shown, what is said, and when.
// @vitest-environment jsdom
import { act } from 'react'
import { beforeEach, expect, test, vi } from 'vitest'

import { TakoError } from '../../src/error.js'
import { renderIntervalMs } from '../../src/react/show_timer.js'
import { useOccupancy, usePresence } from '../../src/react/index.js'
import { FakeClient } from './fake_client.js'
import { renderHook } from './render.js'

let client: FakeClient
beforeEach(() => {
  client = new FakeClient()
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

interface Options {
  roomId?: string
  data?: unknown
  enter?: boolean
  enabled?: boolean
}

const use = ({ roomId = '1', ...options }: Options) =>
  usePresence('chat', { params: { roomId }, ...options })
const mount = (props: Options = {}, strict = false) => renderHook(use, { props, client, strict })

/** Everything that follows, its renders included. */
const play = (step: () => unknown) =>
  act(async () => {
    await step()
    await vi.advanceTimersByTimeAsync(2 * renderIntervalMs)
  })

const ann = { subject: 'ann', since: 1 }
const bob = { subject: 'bob', since: 2 }

test('connecting until the list is there, then who is there', async () => {
  const hook = await mount({ data: 'here' })
  expect(client.last.options.presence).toEqual({ watch: 'list', data: 'here' })
  await play(() => client.last.opens('1-aaaaaaaa', 'ann'))
  expect(hook.current).toMatchObject({ status: 'connecting', members: [], count: 0 })
  await play(() => client.last.shows({ kind: 'list', members: [ann, bob], self: ann }))
  expect(hook.current).toMatchObject({
    status: 'open',
    members: [ann, bob],
    self: ann,
    count: 2,
    error: null,
  })
})

test('what waits keeps its members; a channel without presence is off', async () => {
  const hook = await mount()
  await play(() => client.last.opens('1-aaaaaaaa'))
  await play(() => client.last.shows({ kind: 'list', members: [ann] }))
  const lost = new TakoError('connection-failed', 'lost')
  await play(() => client.last.is('waiting', lost))
  expect(hook.current).toMatchObject({ status: 'waiting', members: [ann], error: lost })
  await play(() => client.last.is('open'))
  await play(() => client.last.shows({ kind: 'off', members: [] }))
  expect(hook.current.status).toBe('off')
})

test('a storm of changes is a few renders, and what did not change is the same', async () => {
  const hook = await mount()
  await play(() => client.last.opens('1-aaaaaaaa'))
  const members = [ann, bob]
  await play(() => client.last.shows({ kind: 'list', members }))
  const { update, leave } = hook.current
  const before = hook.all.length
  await act(async () => {
    for (let n = 0; n < 100; n += 1)
      client.last.shows({ occupancy: { connections: n, subjects: 2 } })
    await vi.advanceTimersByTimeAsync(renderIntervalMs)
  })
  expect(hook.all.length - before).toBeLessThanOrEqual(2)
  expect(hook.current.occupancy?.connections).toBe(99)
  expect(hook.current.members).toBe(members)
  expect([hook.current.update, hook.current.leave]).toEqual([update, leave])
})

test('new data is said, the same by value is not', async () => {
  const hook = await mount({ data: { busy: false } })
  await hook.rerender({ data: { busy: false } })
  expect(client.last.presence?.said).toEqual([])
  await hook.rerender({ data: { busy: true } })
  expect(client.last.presence?.said).toEqual([['update', { busy: true }]])
  expect(client.subscriptions).toHaveLength(1)
})

test('enter: false takes me off, and back', async () => {
  const hook = await mount({ data: 1 })
  await hook.rerender({ data: 1, enter: false })
  await hook.rerender({ data: 2, enter: true })
  expect(client.last.presence?.said).toEqual([['leave'], ['enter', 2]])
})

test('a refused word is told to whoever said it, or by error', async () => {
  const hook = await mount()
  await play(() => client.last.opens('1-aaaaaaaa'))
  const tooLarge = new TakoError('payload-too-large', 'too large')
  const presence = client.last.presence
  if (presence === null) throw new Error('no presence')
  presence.answer = () => Promise.reject(tooLarge)
  await expect(hook.current.update('x')).rejects.toBe(tooLarge)
  await hook.rerender({ data: 'x' })
  await play(() => client.last.shows({ kind: 'list', error: tooLarge }))
  expect(hook.current).toMatchObject({ status: 'open', error: tooLarge })
})

test('another room is another list, in that very render', async () => {
  const hook = await mount()
  await play(() => client.last.opens('1-aaaaaaaa'))
  await play(() => client.last.shows({ kind: 'list', members: [ann] }))
  const first = client.last
  await hook.rerender({ roomId: '2' })
  expect(hook.current).toMatchObject({ status: 'connecting', members: [] })
  await play(() => first.shows({ members: [ann, bob] }))
  expect(hook.current.members).toEqual([])
  expect(client.live.map(({ params }) => params)).toEqual([{ roomId: '2' }])
})

test('strict mode, enabled and unmounting leave one subscription, or none', async () => {
  const hook = await mount({}, true)
  expect(client.live).toHaveLength(1)
  await hook.rerender({ enabled: false })
  expect([client.live.length, hook.current.status]).toEqual([0, 'closed'])
  await expect(hook.current.update(1)).rejects.toMatchObject({ code: 'aborted' })
  await hook.rerender({ enabled: true })
  expect(client.live).toHaveLength(1)
  await hook.unmount()
  expect(client.live).toHaveLength(0)
})

test('a client that refuses at once is told', async () => {
  client.close()
  const hook = await mount()
  expect(hook.current).toMatchObject({ status: 'failed', error: { code: 'aborted' } })
})

test('useOccupancy asks for counts alone', async () => {
  const useIt = () => useOccupancy('chat', { params: { roomId: '1' } })
  const hook = await renderHook(useIt, { props: {}, client })
  expect(client.last.options.presence).toEqual({ watch: 'counts' })
  await play(() => client.last.opens('1-aaaaaaaa'))
  await play(() =>
    client.last.shows({ kind: 'counts', occupancy: { connections: 12, subjects: 9 } }),
  )
  expect(hook.current).toEqual({ status: 'open', connections: 12, subjects: 9, error: null })
})
