// Publishing against a scripted socket: what is sent, what is retried, and where each bound is.
import { afterEach, describe, expect, test, vi } from 'vitest'

import { AppApi, type ApiOptions } from '../../src/publish/api.js'
import { Patience } from '../../src/publish/patience.js'
import { retryDelayMs, withRetries } from '../../src/publish/retry.js'
import { Slots } from '../../src/publish/slots.js'
import { TakoError } from '../../src/error.js'
import { AppServer, type Step } from '../support/app_server.js'
import { until } from '../support/until.js'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const stored = { status: 201, body: { id: '1-aaaaaaaa', channel: 'chat', type: 'msg', data: 1 } }
const target = {
  channel: 'chat/room',
  params: { roomId: '4 2', page: 7, on: true, none: undefined },
}
const draft = { type: 'msg', data: { text: 'hi' } }

async function serve(steps: Step[] | ((index: number) => Step), options: ApiOptions = {}) {
  const server = await AppServer.start((_, index) => {
    return typeof steps === 'function' ? steps(index) : (steps[index] ?? stored)
  })
  ends.push(() => server.stop())
  const api = new AppApi({ socketPath: server.socketPath, timeoutMs: 5_000, ...options })
  ends.push(() => api.close())
  return { server, api }
}

describe('what is sent', () => {
  test('the name is one path segment, params are sorted, a key is made', async () => {
    const { server, api } = await serve([])
    expect(await api.publish(target, draft)).toEqual(stored.body)
    const [received] = server.received
    expect(received?.target).toBe('/v1/channels/chat%2Froom/messages?on=true&page=7&roomId=4+2')
    expect(received?.body).toEqual({ ...draft, idempotencyKey: expect.stringMatching(/^.{36}$/) })
  })

  test('params that are no plain values travel as JSON', async () => {
    const { server, api } = await serve([])
    await api.publish({ channel: 'c', params: { tags: ['a', 'b'] } }, draft)
    const query = new URLSearchParams(server.received[0]?.target.split('?')[1])
    expect(JSON.parse(query.get('tags') ?? '')).toEqual(['a', 'b'])
  })

  test('options are passed on; ephemeral messages have no key', async () => {
    const { server, api } = await serve([])
    await api.publish(target, draft, { idempotencyKey: 'mine', ack: 'written' })
    await api.publish(target, draft, { ephemeral: true })
    expect(server.received[0]?.body).toEqual({ ...draft, idempotencyKey: 'mine', ack: 'written' })
    expect(server.received[1]?.body).toEqual({ ...draft, ephemeral: true })
  })

  test('who is there is asked page by page', async () => {
    const page = { version: '7-aaaaaaaa', connections: 2, subjects: 1, members: [], next: null }
    const { server, api } = await serve([{ status: 200, body: page }])
    expect(
      await api.presence({ channel: 'c', params: { id: 1 } }, { after: 'a b', limit: 5 }),
    ).toEqual(page)
    expect(server.received[0]).toMatchObject({
      method: 'GET',
      target: '/v1/channels/c/presence?id=1&_after=a+b&_limit=5',
    })
  })

  test('a disconnect names the subject, and edges that have not done it', async () => {
    const { server, api } = await serve([
      { status: 200, body: { subscriptions: 2 } },
      { status: 200, body: { subscriptions: 0, pending: ['edge-2'] } },
      { status: 200, body: { subscriptions: 9 } },
    ])
    expect(await api.disconnect('a/nn')).toEqual({ subscriptions: 2, pending: [] })
    const options = { channel: 'c', params: { id: 1 }, banMs: 10_000, reason: 'rude' }
    expect(await api.disconnect('ann', options)).toEqual({ subscriptions: 0, pending: ['edge-2'] })
    await api.disconnectAll({ channel: 'c', params: { id: 1 } }, { reauthorize: true })
    expect(server.received.map(({ method, target, body }) => [method, target, body])).toEqual([
      ['POST', '/v1/subjects/a%2Fnn/disconnect', {}],
      ['POST', '/v1/subjects/ann/disconnect', options],
      ['POST', '/v1/channels/c/disconnect?id=1', { reauthorize: true }],
    ])
  })

  test('a disconnect that can not be right is refused before it is sent', async () => {
    const { server, api } = await serve([])
    for (const subject of ['', undefined as never]) {
      await expect(api.disconnect(subject)).rejects.toMatchObject({ code: 'usage-invalid' })
    }
    const params = api.disconnect('ann', { params: { id: 1 } })
    await expect(params).rejects.toMatchObject({ code: 'usage-invalid' })
    expect(server.received).toEqual([])
  })

  test('bytes travel as base64', async () => {
    const { server, api } = await serve([])
    await api.publish(target, { type: 'blob', data: new Uint8Array([0, 255, 1]).subarray(1) })
    expect(server.received[0]?.body).toMatchObject({ data: '/wE=', encoding: 'base64' })
  })

  test.each([
    ['undefined', undefined, 'Publish null'],
    ['a BigInt', { a: 1n }, 'no BigInt'],
  ])('%s is refused before anything is sent', async (_, data, hint) => {
    const { server, api } = await serve([])
    const failure = await api.publish(target, { type: 'msg', data }).catch((error) => error)
    expect(failure).toMatchObject({ code: 'usage-invalid', hint: expect.stringContaining(hint) })
    expect(server.received).toHaveLength(0)
  })

  test('a batch is atomic and has one key for the whole', async () => {
    const results = [{ id: '1-aaaaaaaa' }, { id: '2-aaaaaaaa' }]
    const { server, api } = await serve([{ status: 200, body: { results, ack: 'synced' } }])
    const messages = await api.batch({ channel: 'chat', params: { roomId: '1' } }, [draft, draft])
    expect(messages).toEqual(results.map((result) => ({ ...result, ack: 'synced' })))
    const message = { channel: 'chat', params: { roomId: '1' }, ...draft }
    expect(server.received[0]?.body).toEqual({ messages: [message, message], atomic: true })
    expect(server.received[0]?.headers['idempotency-key']).toMatch(/^.{36}$/)
  })

  test("history's bounds are the query's names with an underscore", async () => {
    const page = { messages: [], next: null, prev: null }
    const { server, api } = await serve([{ status: 200, body: page }])
    expect(await api.history({ channel: 'c', params: {} }, { after: '1-a', limit: 5 })).toEqual(
      page,
    )
    expect(server.received[0]?.target).toBe('/v1/channels/c/messages?_after=1-a&_limit=5')
  })

  test('over an edge: its prefix, the key and the app', async () => {
    const http = await import('node:http')
    const heads: unknown[] = []
    const edge = http.createServer((request, response) => {
      const { authorization, 'tako-app': app } = request.headers
      heads.push([request.method, request.url, authorization, app])
      response.writeHead(201).end(JSON.stringify(stored.body))
    })
    await new Promise<void>((resolve) => edge.listen(0, '127.0.0.1', resolve))
    ends.push(() => edge.close())
    const { port } = edge.address() as { port: number }
    const address = { url: `http://127.0.0.1:${port}`, key: 'k', secret: 's' }
    const api = new AppApi({ edge: address, app: 'shop' })
    ends.push(() => api.close())
    await api.publish({ channel: 'c', params: {} }, draft)
    expect(heads).toEqual([['POST', '/_tako/api/v1/channels/c/messages', 'Bearer k:s', 'shop']])
  })

  test('an address that is none is refused at once', () => {
    const edge = { url: 'realtime.example.com', key: 'k', secret: 's' }
    expect(() => new AppApi({ edge })).toThrow('no http or https address')
  })
})

describe('retries', () => {
  test('a cut connection and a refusal for now are repeated with the same key', async () => {
    const error = { code: 'unavailable', message: 'm', hint: 'h' }
    const { server, api } = await serve(['cut', { status: 503, body: { error } }])
    expect(await api.publish(target, draft)).toEqual(stored.body)
    const keys = server.received.map(({ body }) => body.idempotencyKey)
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
  })

  test('a batch is repeated with the same key', async () => {
    const { server, api } = await serve(['cut', { status: 200, body: { results: [] } }])
    await api.batch(target, [draft])
    const keys = server.received.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
  })

  test('an ephemeral message is never repeated', async () => {
    const { server, api } = await serve(['cut'])
    const failure = await api.publish(target, draft, { ephemeral: true }).catch((error) => error)
    expect(failure).toMatchObject({ code: 'connection-failed', retryable: true })
    expect(server.received).toHaveLength(1)
  })

  test.each([400, 404, 409, 413])('a %i is final', async (status) => {
    const error = { code: 'params-invalid', message: 'roomId is required', hint: 'Give it.' }
    const { server, api } = await serve([{ status, body: { error } }])
    const failure = await api.publish(target, draft).catch((caught) => caught)
    expect(failure).toBeInstanceOf(TakoError)
    expect(failure).toMatchObject({ ...error, status, retryable: false })
    expect(server.received).toHaveLength(1)
  })

  test('they end with the time given, with the last failure', async () => {
    const error = { code: 'log-full', message: 'the disk is full', hint: 'Make room.' }
    const { api } = await serve(() => ({ status: 507, body: { error } }), { timeoutMs: 300 })
    const failure = await api.publish(target, draft).catch((caught) => caught)
    expect(failure).toMatchObject({ code: 'log-full', status: 507 })
  })

  test('a wait that the server asks for beyond the time given is not waited', async () => {
    const { server, api } = await serve(() => {
      const error = { code: 'rate-limited', message: 'm', hint: '' }
      return { status: 429, body: { error }, headers: { 'Retry-After': '60' } }
    })
    const failure = await api.publish(target, draft).catch((caught) => caught)
    expect(failure).toMatchObject({ code: 'rate-limited', retryAfterMs: 60_000 })
    expect(server.received).toHaveLength(1)
  })

  test.each(['silence', 'half'] as const)(
    '%s is tried again, then told as a timeout',
    async (step) => {
      const { server, api } = await serve([step], { attemptTimeoutMs: 50 })
      expect(await api.publish(target, draft)).toEqual(stored.body)
      expect(server.received).toHaveLength(2)
      const quiet = await serve(() => step, { timeoutMs: 100 })
      const failure = await quiet.api.publish(target, draft).catch((caught) => caught)
      expect(failure).toMatchObject({ code: 'timeout' })
    },
  )

  test('the delay is random up to a bound that doubles, behind what the server asked for', () => {
    const bounds = [0, 1, 2, 3, 20].map((round) => retryDelayMs(round, undefined, () => 1))
    expect(bounds).toEqual([50, 100, 200, 400, 2000])
    expect(retryDelayMs(3, undefined, () => 0)).toBe(0)
    expect(retryDelayMs(0, 3000, () => 0.5)).toBe(3025)
  })

  test('when time runs out amid an attempt, the failure before it is told', async () => {
    const failures = [
      new TakoError('log-full', 'the disk is full'),
      new TakoError('timeout', 'late'),
    ]
    const patience = new Patience(1000)
    const attempt = vi.fn(() => Promise.reject(failures[attempt.mock.calls.length - 1]))
    const left = vi.spyOn(patience, 'leftMs', 'get').mockReturnValueOnce(1000).mockReturnValue(0)
    await expect(withRetries(attempt, patience, () => 0)).rejects.toBe(failures[0])
    expect(attempt).toHaveBeenCalledTimes(2)
    left.mockRestore()
  })

  test('our own full queue is not retried', async () => {
    const attempt = vi.fn(() => Promise.reject(new TakoError('queue-full', 'full')))
    await expect(withRetries(attempt, new Patience(1000))).rejects.toThrow('full')
    expect(attempt).toHaveBeenCalledTimes(1)
  })
})

describe('bounds and ends', () => {
  test('no more connections than allowed, reused; no more waiting than allowed', async () => {
    const { server, api } = await serve([], { connectionsMax: 2, queueMax: 3 })
    const calls = Array.from({ length: 6 }, () => api.publish(target, draft))
    const results = await Promise.allSettled(calls)
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(1)
    expect(refused[0]).toMatchObject({ reason: { code: 'queue-full', retryable: true } })
    expect(server.connections).toBeLessThanOrEqual(2)
    await api.publish(target, draft)
    expect(server.connections).toBeLessThanOrEqual(2)
  })

  test('who waits for a slot gets it in order, and leaves the queue when aborted', async () => {
    const slots = new Slots(1, 10)
    const giveBack = await slots.take(new Patience(1000))
    const order: string[] = []
    const abort = new AbortController()
    const first = slots.take(new Patience(1000)).then((give) => (order.push('first'), give()))
    const left = slots.take(new Patience(1000, abort.signal)).catch((error) => error)
    const third = slots.take(new Patience(1000)).then((give) => (order.push('third'), give()))
    abort.abort(new Error('gone'))
    expect(await left).toMatchObject({ code: 'aborted' })
    giveBack()
    await Promise.all([first, third])
    expect(order).toEqual(['first', 'third'])
  })

  test('an abort ends the request in flight, the wait for a retry, and a call not begun', async () => {
    for (const step of ['silence', 'half', 'cut'] as const) {
      const { server, api } = await serve(() => step)
      const abort = new AbortController()
      const call = api.publish(target, draft, { signal: abort.signal }).catch((error) => error)
      await until('the request', () => server.received.length > 0)
      abort.abort('enough')
      expect(await call).toMatchObject({ code: 'aborted', retryable: false, cause: 'enough' })
      const again = api.publish(target, draft, { signal: abort.signal }).catch((error) => error)
      expect(await again).toMatchObject({ code: 'aborted' })
    }
  })

  test('a socket that is not there is told with its path', async () => {
    const api = new AppApi({ socketPath: '/nowhere/app.sock', timeoutMs: 50 })
    const failure = await api.publish(target, draft).catch((error) => error)
    expect(failure).toMatchObject({
      code: 'connection-failed',
      message: expect.stringContaining('/nowhere/app.sock'),
      hint: expect.stringContaining('--app-socket'),
    })
  })

  test('an answer without end is given up at a bound', async () => {
    const body = JSON.stringify({ data: 'x'.repeat(17 * 1024 * 1024) })
    const { api } = await serve([{ status: 200, body }])
    const failure = await api.publish(target, draft).catch((error) => error)
    expect(failure).toMatchObject({ code: 'answer-malformed', retryable: false })
  })

  test('an answer that is no JSON is told by its status', async () => {
    const { api } = await serve([{ status: 404, body: '<html>' }])
    const failure = await api.publish(target, draft).catch((error) => error)
    expect(failure).toMatchObject({ code: 'answer-malformed', status: 404, retryable: false })
  })

  test('close waits for what is in flight and takes nothing more', async () => {
    const { server, api } = await serve([])
    const call = api.publish(target, draft)
    await api.close()
    expect(await call).toEqual(stored.body)
    await expect(api.publish(target, draft)).rejects.toMatchObject({ code: 'usage-invalid' })
    expect(server.received).toHaveLength(1)
  })
})
