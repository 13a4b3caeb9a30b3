// A client in front of a scripted server, and a page whose events the test tells.
import { afterEach, beforeEach } from 'vitest'
import WebSocket from 'ws'

import { type Environment, type PageEvent } from '../../src/client/environment.js'
import { type TakoClient, createClient } from '../../src/client/index.js'
import type {
  ChannelMessage,
  ClientOptions,
  SubscribeOptions,
  Subscription,
} from '../../src/client/index.js'
import { FakeServer } from '../support/fake_server.js'
import { until } from '../support/until.js'

export type Messages = Record<string, unknown>

/** Position `n` of the channel's first life. */
export const at = (n: number, epoch = 1) => `${n}-0000000${epoch}`

export interface Harness {
  server: FakeServer
  /** What the page tells; to all clients of this test. */
  page(event: PageEvent): void
  storage: Map<string, string>
  reported: unknown[]
  client(options?: ClientOptions, seams?: Partial<Environment>): TakoClient
  listen(client: TakoClient, options?: SubscribeOptions<Messages>, id?: string): Listener
}

export interface Listener {
  subscription: Subscription<Messages>
  received: ChannelMessage[]
  /** Status and error code, in the order of their changes. */
  changes: string[]
  status(status: string): Promise<void>
}

/** Fresh for each test of the file. */
export function useHarness(): Harness {
  const clients: TakoClient[] = []
  const listeners = new Set<(event: PageEvent) => void>()
  const harness: Harness = {
    server: undefined as unknown as FakeServer,
    storage: new Map(),
    reported: [],
    page: (event) => listeners.forEach((listener) => listener(event)),
    client(options = {}, seams = {}) {
      const all: ClientOptions = {
        baseUrl: harness.server.url,
        WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
        backoff: { firstMs: 10, maxMs: 40 },
        timeoutMs: 2_000,
        ...options,
      }
      const client = createClient(all, {
        storage: {
          getItem: (key) => harness.storage.get(key) ?? null,
          setItem: (key, value) => void harness.storage.set(key, value),
        },
        onPage: (listener) => {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
        report: (error) => void harness.reported.push(error),
        ...seams,
      })
      clients.push(client)
      return client
    },
    listen(client, options = {}, id = '1') {
      const received: ChannelMessage[] = []
      const changes: string[] = []
      const subscription = client.subscribe('room', { id }, {
        onMessage: (message: ChannelMessage) => received.push(message),
        ...options,
        onStatus: (status, error) => {
          changes.push(error === null ? status : `${status} ${error.code}`)
          options.onStatus?.(status, error)
        },
      } as SubscribeOptions<Messages>)
      const status = (wanted: string) =>
        until(`${wanted} (${changes})`, () => subscription.status === wanted)
      return { subscription, received, changes, status }
    },
  }
  beforeEach(async () => {
    harness.server = await FakeServer.start()
    harness.storage.clear()
    harness.reported.splice(0)
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    listeners.clear()
    await harness.server.stop()
  })
  return harness
}

/** Real timers that can be looked at: a client without a pending one does nothing more by itself. */
export function watchTimers() {
  const pending = new Set<number>()
  const fired: number[] = []
  let last = 0
  const setTimer: Environment['setTimer'] = (callback, ms) => {
    const number = ++last
    pending.add(number)
    const timer = setTimeout(() => {
      pending.delete(number)
      fired.push(ms)
      callback()
    }, ms)
    return () => {
      pending.delete(number)
      clearTimeout(timer)
    }
  }
  return { pending, fired, setTimer }
}

/** What a test has to wait for twice or more. */
export const count = (listener: Listener, n: number) =>
  until(`${n} messages`, () => listener.received.length >= n)

export const ids = ({ received }: Listener) => received.map(({ id }) => id)
