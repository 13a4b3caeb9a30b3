// @vitest-environment jsdom
// TakoProvider and the clients it gives: whose they are, when they are made, when they end.
import { act, type ReactNode, StrictMode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import type { ClientOptions } from '../../src/client/types.js'
import { TakoProvider, useChannel, useConnection } from '../../src/react/index.js'
import { FakeClient } from './fake_client.js'
import { renderHook } from './render.js'

class MadeClient extends FakeClient {
  constructor(readonly options: ClientOptions) {
    super()
  }
}
const made = vi.hoisted(() => [] as unknown[]) as MadeClient[]
vi.mock('../../src/client/client.js', () => ({
  createClient(options: ClientOptions) {
    made.push(new MadeClient(options))
    return made.at(-1)
  },
}))

let root: Root
beforeEach(() => {
  made.length = 0
  root = createRoot(document.createElement('div'))
})
afterEach(() => act(async () => root.unmount()))
const render = (node: ReactNode) => act(async () => root.render(node))

const Chat = (props: { baseUrl?: string }) => {
  useChannel('chat', props)
  return null
}

test('a given client is used, and left open', async () => {
  const client = new FakeClient()
  await render(<TakoProvider client={client} children={<Chat />} />)
  expect(client.live).toHaveLength(1)
  const other = new FakeClient()
  await render(<TakoProvider client={other} children={<Chat />} />)
  expect(client.live).toHaveLength(0)
  expect(other.live).toHaveLength(1)
  await render(null)
  expect(other.live).toHaveLength(0)
  expect([client.closed, other.closed]).toEqual([0, 0])
  expect(made).toHaveLength(0)
})

test('a client made from options serves all below, and is closed at the unmount', async () => {
  const tree = () => (
    <TakoProvider options={{ baseUrl: 'https://a.example', backoff: { firstMs: 5 } }}>
      <Chat />
      <Chat />
    </TakoProvider>
  )
  await render(tree())
  await render(tree())
  expect(made).toHaveLength(1)
  expect(made[0]?.options).toMatchObject({ baseUrl: 'https://a.example', backoff: { firstMs: 5 } })
  expect(made[0]?.live).toHaveLength(2)
  await render(null)
  expect(made[0]?.closed).toBe(1)
})

test('strict mode leaves one client open', async () => {
  await render(
    <StrictMode>
      <TakoProvider options={{}} children={<Chat />} />
    </StrictMode>,
  )
  expect(made.filter(({ closed }) => closed === 0)).toEqual([made.at(-1)])
  expect(made.at(-1)?.live).toHaveLength(1)
  await render(null)
  expect(made.map(({ closed }) => closed)).not.toContain(0)
})

test('other options make another client, and close the one before', async () => {
  await render(<TakoProvider options={{ baseUrl: 'https://a.example' }} children={<Chat />} />)
  await render(<TakoProvider options={{ baseUrl: 'https://b.example' }} children={<Chat />} />)
  expect(made.map(({ options, closed }) => [options.baseUrl, closed])).toEqual([
    ['https://a.example', 1],
    ['https://b.example', 0],
  ])
  expect(made[1]?.live).toHaveLength(1)
})

test('another token value is given to the same client; a function is that of the last render', async () => {
  const tree = (token: ClientOptions['token']) => (
    <TakoProvider options={token === undefined ? {} : { token }} children={<Chat />} />
  )
  await render(tree('one'))
  await render(tree('one'))
  expect(made[0]?.options.token).toBe('one')
  expect(made[0]?.tokens).toEqual([])
  await render(tree('two'))
  await render(tree(() => 'three'))
  await render(tree(() => 'four'))
  expect(made).toHaveLength(1)
  expect(made[0]?.tokens).toEqual(['two', expect.any(Function)])
  expect((made[0]?.tokens[1] as () => string)()).toBe('four')
  await render(tree(undefined))
  expect(made[0]?.tokens.at(-1)).toBeNull()
})

test('without a provider the hooks of a page share one client for each server', async () => {
  await render([<Chat key="1" />, <Chat key="2" />, <Chat key="3" baseUrl="https://c.example" />])
  expect(made.map(({ options, live }) => [options, live.length])).toEqual([
    [{}, 2],
    [{ baseUrl: 'https://c.example' }, 1],
  ])
  await render(null)
  expect(made.map(({ live, closed }) => [live.length, closed])).toEqual([
    [0, 0],
    [0, 0],
  ])
})

test('baseUrl passes the provider by', async () => {
  const client = new FakeClient()
  await render(
    <TakoProvider client={client}>
      <Chat baseUrl="https://d.example" />
    </TakoProvider>,
  )
  expect(client.subscriptions).toHaveLength(0)
  expect(made.map(({ options }) => options.baseUrl)).toEqual(['https://d.example'])
})

test('useConnection follows the connection, and stops at the unmount', async () => {
  const client = new FakeClient()
  const hook = await renderHook(() => useConnection(), { props: {}, client, strict: true })
  expect(hook.current.status).toBe('idle')
  for (const status of ['connecting', 'open', 'waiting', 'closed'] as const) {
    await act(async () => client.becomes(status))
    expect(hook.current.status).toBe(status)
  }
  await hook.unmount()
  expect(client.listeners.size).toBe(0)
})

test('useConnection sees a status that changed between its render and its effect', async () => {
  const client = new FakeClient()
  client.onStatus = (listener) => {
    client.status = 'open' // Nobody is told.
    client.listeners.add(listener)
    return () => client.listeners.delete(listener)
  }
  const hook = await renderHook(() => useConnection(), { props: {}, client })
  expect(hook.current.status).toBe('open')
})
