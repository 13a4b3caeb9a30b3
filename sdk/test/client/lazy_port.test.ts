// A transport that comes later: asked for once, passed on when it is there, told when it is not.
import { expect, test, vi } from 'vitest'

import { LazyPort } from '../../src/client/lazy_port.js'
import type { Port, PortEvents } from '../../src/client/port.js'
import { until } from '../support/until.js'

function fakePort() {
  return {
    window: 3,
    want: vi.fn(),
    subscribe: vi.fn(),
    renew: vi.fn(),
    send: vi.fn(),
    lastHeardMs: vi.fn(() => 7),
    drop: vi.fn(),
    leave: vi.fn(),
  } satisfies Port
}

const fakeEvents = () => ({ onRefused: vi.fn() })

test('it loads once, when wanted, and then is that port', async () => {
  const port = fakePort()
  const load = vi.fn(async () => port)
  const lazy = new LazyPort(load, fakeEvents() as unknown as PortEvents)
  expect(load).not.toHaveBeenCalled()
  lazy.want()
  lazy.want()
  await until('the port', () => port.want.mock.calls.length === 1)
  lazy.subscribe('0', null, {})
  lazy.want()
  expect(load).toHaveBeenCalledTimes(1)
  expect(port.want).toHaveBeenCalledTimes(2)
  expect(port.subscribe).toHaveBeenCalledWith('0', null, {})
  expect([lazy.window, lazy.lastHeardMs()]).toEqual([3, 7])
})

test('who leaves before it is there does not connect', async () => {
  const port = fakePort()
  let arrive = (_: Port) => {}
  const loading = new Promise<Port>((resolve) => (arrive = resolve))
  const lazy = new LazyPort(() => loading, fakeEvents() as unknown as PortEvents)
  lazy.want()
  lazy.leave()
  arrive(port)
  await loading
  await Promise.resolve()
  expect(port.want).not.toHaveBeenCalled()
})

test('code that does not come is a failure for now, and is asked for again', async () => {
  const port = fakePort()
  const cause = new Error('404')
  const load = vi.fn(async (): Promise<Port> => port).mockRejectedValueOnce(cause)
  const events = fakeEvents()
  const lazy = new LazyPort(load, events as unknown as PortEvents)
  lazy.want()
  await until('the failure', () => events.onRefused.mock.calls.length === 1)
  expect(events.onRefused.mock.calls[0]?.[0]).toMatchObject({
    code: 'connection-failed',
    retryable: true,
    cause,
  })
  lazy.want()
  await until('the port', () => port.want.mock.calls.length === 1)
})
