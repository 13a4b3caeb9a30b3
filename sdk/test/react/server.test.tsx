// On a server, where there is no window: the hooks render, and make neither client nor connection.
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'

import { TakoProvider, useChannel, useConnection, usePresence } from '../../src/react/index.js'
import { FakeClient } from './fake_client.js'

const Page = () => {
  const { status, messages, gap, error, subject } = useChannel('chat', { historyLimit: 10 })
  const paused = useChannel('chat', { enabled: false })
  return JSON.stringify([
    { status, messages, gap, error, subject },
    paused.status,
    useConnection(),
    usePresence('chat'),
  ])
}
const expected = [
  { status: 'connecting', messages: [], gap: null, error: null, subject: null },
  'closed',
  { status: 'idle' },
  { status: 'connecting', members: [], self: null, occupancy: null, count: 0, error: null },
]
const parse = (html: string) => JSON.parse(html.replaceAll('&quot;', '"'))

test('the state before the first subscription is rendered', () => {
  expect(typeof window).toBe('undefined')
  const client = new FakeClient()
  client.status = 'open' // As another request's might be; the markup must not depend on it.
  expect(parse(renderToString(<TakoProvider client={client} children={<Page />} />))).toEqual(
    expected,
  )
  expect(client.subscriptions).toHaveLength(0)
  expect(client.listeners.size).toBe(0)
})

test('without a provider, or with options, no client is made', () => {
  // A client would need a page's origin, and there is none.
  expect(parse(renderToString(<Page />))).toEqual(expected)
  const failing = () => expect.unreachable('a client was made')
  const tree = <TakoProvider options={{ token: failing }} children={<Page />} />
  expect(parse(renderToString(tree))).toEqual(expected)
})
