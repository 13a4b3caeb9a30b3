// Credentials against the real programs: the app grants for a while, refuses, and changes its mind.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'

import { type TakoClient, createClient } from '../../src/client/index.js'
import type { ChannelMessage, SubscribeOptions, Token, Transport } from '../../src/client/index.js'
import { Cluster } from '../support/cluster.js'
import { until } from '../support/until.js'

/** The app: lets in who has a token `good-…`, for so long. */
let grantMs = 60_000
const asked: string[] = []
const app = http.createServer((request, response) => {
  let body = ''
  request.on('data', (piece) => (body += piece))
  request.on('end', () => {
    const token: string = JSON.parse(body).header?.value ?? ''
    asked.push(token)
    const isGood = token.startsWith('good-')
    response.writeHead(isGood ? 200 : 403, { 'content-type': 'application/json' })
    const grant = { ok: true, subject: 'ann', expiresAt: Date.now() + grantMs }
    response.end(JSON.stringify(isGood ? grant : { ok: false }))
  })
})
let cluster: Cluster
const clients: TakoClient[] = []

beforeAll(async () => {
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const { port } = app.address() as AddressInfo
  cluster = await Cluster.start({ upstream: `http://127.0.0.1:${port}` })
  await cluster.define([{ name: 'private', handlers: { say: 'relay' } }])
})
afterEach(() => {
  clients.splice(0).forEach((client) => client.close())
  asked.splice(0)
  grantMs = 60_000
})
afterAll(async () => {
  await cluster.stop()
  app.close()
})

function listen(transport: Transport, token: Token) {
  const client = createClient({
    baseUrl: cluster.url,
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    backoff: { firstMs: 20, maxMs: 200 },
    token,
  })
  clients.push(client)
  const received: ChannelMessage[] = []
  const changes: string[] = []
  const options: SubscribeOptions<Record<string, unknown>> = {
    transport,
    onMessage: (message) => received.push(message),
    onStatus: (status, error) => changes.push(error ? `${status} ${error.code}` : status),
  }
  const subscription = client.subscribe('private', undefined, options)
  const status = (wanted: string) =>
    until(`${wanted} (${changes})`, () => subscription.status === wanted)
  return { client, subscription, received, changes, status }
}

test.each(['ws', 'sse'] as const)(
  'over %s a refused token is final after one fresh try',
  async (transport) => {
    let n = 0
    const listener = listen(transport, () => `bad-${++n}`)
    await listener.status('failed')
    expect(listener.subscription.error).toMatchObject({ code: 'verify-rejected', retryable: false })
    expect(asked).toEqual(['bad-1', 'bad-2'])
  },
)

test.each(['ws', 'sse'] as const)(
  'over %s an expired token is replaced, and it goes on',
  async (transport) => {
    let n = 0
    const listener = listen(transport, async () => (++n === 1 ? 'bad-expired' : `good-${n}`))
    await listener.status('open')
    const { id } = await listener.subscription.send('say', 1)
    await until('the message', () => listener.received.length === 1)
    expect(listener.received[0]).toMatchObject({ id, subject: 'ann', data: 1 })
  },
)

test('a permission that ends is renewed before, without the subscription noticing', async () => {
  grantMs = 1_500
  let n = 0
  const listener = listen('ws', () => `good-${++n}`)
  await until('three renewals', () => asked.length >= 4)
  grantMs = 60_000
  await listener.subscription.send('say', 1)
  await until('the message', () => listener.received.length === 1)
  expect(listener.changes).toEqual(['open'])
  expect(listener.subscription.subject).toBe('ann')
  expect(asked.slice(0, 3)).toEqual(['good-1', 'good-2', 'good-3'])
})

test('over sse a permission that ends is renewed by the next stream, with nothing lost', async () => {
  grantMs = 1_000
  let n = 0
  const listener = listen('sse', () => `good-${++n}`)
  await listener.status('open')
  let published = 0
  while (asked.length < 3) {
    await cluster.publish('private', 'tick', { n: published++ })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await until('all', () => listener.received.length >= published)
  expect(listener.received.map(({ data }) => (data as { n: number }).n)).toEqual(
    Array.from({ length: published }, (_, i) => i),
  )
  expect(listener.subscription.status).not.toBe('failed')
})

test('a permission that the app takes back at renewal ends the subscription', async () => {
  grantMs = 1_000
  let n = 0
  const listener = listen('ws', () => (++n === 1 ? 'good-1' : `bad-${n}`))
  await listener.status('open')
  await listener.status('failed')
  expect(listener.subscription.error?.code).toBe('verify-rejected')
  listener.client.setToken('good-again')
  await listener.status('open')
})
