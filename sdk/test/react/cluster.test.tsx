// @vitest-environment jsdom
// The hooks over the real client and the real servers: every message once, whatever happens.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

import { type ReactNode, StrictMode } from 'react'
import { flushSync } from 'react-dom'
import { createRoot, type Root } from 'react-dom/client'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import type { ClientOptions } from '../../src/client/index.js'
import {
  TakoProvider,
  useChannel,
  useConnection,
  type UseChannelOptions,
  type UseChannelResult,
} from '../../src/react/index.js'
import { Cluster } from '../support/cluster.js'
import { until } from '../support/until.js'

/** The app: lets in whoever says `Bearer good`, as ann. */
const app = http.createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (piece) => (body += piece))
  request.on('end', () => {
    const isGood = JSON.parse(body).header?.value === 'good'
    response.writeHead(isGood ? 200 : 403, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ok: isGood, subject: 'ann' }))
  })
})

let cluster: Cluster
beforeAll(async () => {
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const { port } = app.address() as AddressInfo
  cluster = await Cluster.start({ upstream: `http://127.0.0.1:${port}` })
  const params = {
    type: 'object',
    properties: { roomId: { type: 'string' } },
    required: ['roomId'],
  }
  await cluster.define([
    { name: 'chat', auth: false, paramsSchema: params, handlers: { msg: 'relay' } },
    { name: 'private', paramsSchema: params },
  ])
})
afterAll(async () => {
  await cluster.stop()
  app.closeAllConnections()
  await new Promise((resolve) => app.close(resolve))
})

let root: Root
beforeEach(() => {
  root = createRoot(document.createElement('div'))
})
afterEach(() => root.unmount())

let shown: UseChannelResult<Record<string, unknown>>
let connection: string
const Chat = ({ name = 'chat', ...options }: UseChannelOptions & { name?: string }) => {
  shown = useChannel(name, options)
  connection = useConnection().status
  return null
}
const render = (chat: ReactNode, token: ClientOptions['token'] = null) => {
  const options: ClientOptions = {
    token,
    baseUrl: cluster.url,
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    backoff: { firstMs: 20, maxMs: 100 },
  }
  const tree = <StrictMode children={<TakoProvider options={options} children={chat} />} />
  flushSync(() => root.render(tree)) // `shown` is of this test from here on.
}

const publish = async (roomId: string, from: number, to: number) => {
  for (let n = from; n <= to; n += 1) await cluster.publish(`chat?roomId=${roomId}`, 'msg', n)
}
const count = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const data = () => shown.messages.map((message) => message.data)
const shows = async (expected: unknown[]) => {
  await until(`message ${expected.at(-1)}`, () => data().at(-1) === expected.at(-1))
  expect(data()).toEqual(expected)
}
const open = () => until('the subscription', () => shown.status === 'open')

for (const transport of ['ws', 'sse'] as const) {
  test(`over ${transport} nothing is lost or repeated over a kill of the edge`, async () => {
    const params = { roomId: `kill-${transport}` }
    await publish(params.roomId, 1, 3)
    const heard: unknown[] = []
    const onMessage = (message: { data: unknown }) => void heard.push(message.data)
    render(<Chat {...{ params, transport, onMessage }} historyLimit={10} />)
    await open()
    expect(connection).toBe('open')
    await publish(params.roomId, 4, 30)
    await shows(count(1, 30))
    const stopped = cluster.edge.stop('SIGKILL')
    await publish(params.roomId, 31, 40)
    await stopped
    await until('the loss', () => shown.status === 'waiting')
    await cluster.replaceEdge()
    await publish(params.roomId, 41, 50)
    await shows(count(1, 50))
    expect(heard).toEqual(count(4, 50))
    expect(shown).toMatchObject({ status: 'open', gap: null, error: null })
  })

  test(`over ${transport} other params show the other room alone, in a storm of messages`, async () => {
    const [left, right] = [`left-${transport}`, `right-${transport}`]
    render(<Chat params={{ roomId: left }} transport={transport} />)
    await open()
    const storm = publish(left, 1, 100)
    await until('the storm', () => data().length > 10)
    render(<Chat params={{ roomId: right }} transport={transport} />)
    await until('the other room', () => data().length === 0)
    await open()
    await storm
    await publish(right, 1_001, 1_003)
    await shows(count(1_001, 1_003))
  })

  test(`over ${transport} a hook that is disabled and enabled again has missed nothing`, async () => {
    const params = { roomId: `pause-${transport}` }
    render(<Chat params={params} transport={transport} />)
    await open()
    await publish(params.roomId, 1, 2)
    await shows([1, 2])
    render(<Chat params={params} transport={transport} enabled={false} />)
    await until('the end', () => shown.status === 'closed')
    await publish(params.roomId, 3, 5)
    render(<Chat params={params} transport={transport} />)
    await shows(count(1, 5))
  })

  test(`over ${transport} another token in a storm of messages loses and repeats none`, async () => {
    const params = { roomId: `token-${transport}` }
    const heard: unknown[] = []
    const chat = (token: string) => (
      <Chat {...{ params, transport, token }} onMessage={(message) => heard.push(message.data)} />
    )
    render(chat('Bearer 0'))
    await open()
    const storm = publish(params.roomId, 1, 200)
    for (let n = 1; n <= 5; n += 1) {
      await until('some of the storm', () => data().length >= 20 * n)
      render(chat(`Bearer ${n}`))
    }
    await storm
    await shows(count(1, 200))
    expect(heard).toEqual(count(1, 200))
  })

  test(`over ${transport} what is sent is stored, and shown once`, async () => {
    render(<Chat params={{ roomId: `send-${transport}` }} transport={transport} />)
    await open()
    const { id } = await shown.send('msg', 'hi')
    await until('the echo', () => data().length > 0)
    expect(shown.messages).toEqual([{ id, channel: 'chat', type: 'msg', data: 'hi' }])
    expect((await shown.history()).messages).toEqual(shown.messages)
    await expect(shown.send('other', 1)).rejects.toMatchObject({ retryable: false })
  })

  test(`over ${transport} a refused one comes in with another token`, async () => {
    const chat = (token?: string) => (
      <Chat name="private" params={{ roomId: '1' }} {...{ transport, token }} historyLimit={10} />
    )
    const refused = async () => {
      await until('the refusal', () => shown.status === 'failed')
      expect(shown.error?.status).toBe(403)
      expect(shown.subject).toBeNull()
    }
    const letIn = async () => {
      await open()
      expect(shown.error).toBeNull()
      expect(shown.subject).toBe(transport === 'ws' ? 'ann' : null)
    }
    render(chat(), 'Bearer bad')
    await refused()
    render(chat(), 'Bearer good')
    await letIn()
    render(chat('Bearer bad'), 'Bearer good')
    await refused()
    render(chat('Bearer good'), 'Bearer bad')
    await letIn()
  })

  test(`over ${transport} a refusal is told, and not tried again`, async () => {
    render(<Chat params={{}} transport={transport} />)
    await until('the refusal', () => shown.status === 'failed')
    expect(shown.error).toMatchObject({ code: 'params-invalid', retryable: false })
  })
}

test('history is there behind a kill of the broker, though a new epoch began', async () => {
  await publish('epoch', 1, 3)
  await cluster.broker.stop('SIGKILL')
  await cluster.startBroker()
  await cluster.ready()
  render(<Chat params={{ roomId: 'epoch' }} historyLimit={10} />)
  await open()
  await publish('epoch', 4, 5)
  await shows(count(1, 5))
})
