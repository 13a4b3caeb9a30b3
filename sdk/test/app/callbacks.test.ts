// What the edge is answered, over the fetch-style handler and over node:http: one path for both.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterEach, describe, expect, test, vi } from 'vitest'

import { RejectError, createTako, defineChannel, reject } from '../../src/index.js'
import { callbackBytesMax } from '../../src/app/callbacks.js'
import type { Tako } from '../../src/index.js'
import type { Verdict, VerifyInput } from '../../src/define/types.js'

const secret = 'a secret'
const call = {
  app: 'default',
  channel: 'room',
  operation: 'connect',
  params: { roomId: '42' },
  header: { scheme: 'Bearer', value: 'token' },
  ip: '192.0.2.7',
}

const log = { warn: vi.fn(), error: vi.fn() }
const takos: Tako[] = []
afterEach(async () => {
  vi.clearAllMocks()
  await Promise.all(takos.splice(0).map((tako) => tako.close()))
})

function makeTako(verify: (input: VerifyInput<{ roomId: string }>) => Verdict | Promise<Verdict>) {
  const room = defineChannel('room', {
    paramsSchema: (t) => t.Object({ roomId: t.String({ minLength: 1 }) }),
    auth: { verify },
    handler: {
      shout: (data: { text: string }, { subject }) => ({ text: data.text.toUpperCase(), subject }),
      hush: () => undefined,
      swear: () => reject('mind your words'),
      curse: async () => {
        throw new RejectError('mind yours')
      },
      crash: () => {
        throw new Error('no database')
      },
      bits: () => 1n,
      code: () => () => {},
      context: (_data, context) => context,
      wave: 'ephemeral',
    },
  })
  const feed = defineChannel('feed', { auth: false })
  const silent = defineChannel('silent')
  const many = defineChannel('team-*', { auth: { verify: () => ({ subject: 'of a team' }) } })
  const tako = createTako({ channels: [room, feed, silent, many], secret, log })
  takos.push(tako)
  return tako
}

type Ask = (body: unknown, options?: AskOptions) => Promise<{ status: number; body: any }>
interface AskOptions {
  path?: string
  token?: string | null
  method?: string
}

function askFetch(tako: Tako): Ask {
  return async (body, { path = '/channels/authorize', token = secret, method = 'POST' } = {}) => {
    const response = await tako.handler(
      new Request(`http://default.tako${path}`, {
        method,
        headers: token === null ? {} : { 'X-Tako-Internal-Token': token },
        ...(method === 'GET'
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
    if (response === null) return { status: 0, body: null }
    return { status: response.status, body: await response.json() }
  }
}

function askNode(tako: Tako): Ask {
  return async (body, { path = '/channels/authorize', token = secret, method = 'POST' } = {}) => {
    const server = http.createServer((request, response) => tako.node(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: token === null ? {} : { 'X-Tako-Internal-Token': token },
      ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const answer = { status: response.status, body: await response.json() }
    server.closeAllConnections()
    server.close()
    return answer
  }
}

describe.each([
  ['fetch', askFetch],
  ['node', askNode],
])('over %s', (_, ask) => {
  test('verify is told what the edge told, and its subject comes back', async () => {
    const verify = vi.fn(() => ({ subject: 'ann', expiresAt: 4102444800000, ttlMs: 1000 }))
    const answer = await ask(makeTako(verify))(call)
    expect(answer).toEqual({
      status: 200,
      body: { ok: true, subject: 'ann', expiresAt: 4102444800000, ttlMs: 1000 },
    })
    expect(verify).toHaveBeenCalledWith(call)
  })

  test('a grant says what others are shown, and what is allowed', async () => {
    const grant = { subject: 'ann', presence: { name: 'Ann' }, rights: ['subscribe', 'presence'] }
    const answer = await ask(makeTako(() => grant as Verdict))(call)
    expect(answer.body).toEqual({ ok: true, ...grant })
  })

  test('true lets in without a subject', async () => {
    expect(await ask(makeTako(async () => true))(call)).toEqual({ status: 200, body: { ok: true } })
  })

  test.each([[false], [null], [undefined], [{ ok: false }]])('%j is 403', async (verdict) => {
    const answer = await ask(makeTako(() => verdict as Verdict))(call)
    expect(answer).toMatchObject({ status: 403, body: { ok: false } })
    expect(answer.body.error.code).toBe('verify-rejected')
  })

  test.each([
    ['yes', 'returned a string'],
    [{ subject: 7 }, 'subject must be a string'],
    [{ subject: 'é'.repeat(129) }, 'at most 256 bytes'],
    [{ expiresat: 1 }, "unknown member 'expiresat'"],
    [{ expiresAt: 1_700_000_000 }, 'seconds'],
    [{ ttlMs: -1 }, 'ttlMs must be'],
    [{ rights: ['fly'] }, 'rights must be'],
    [{ rights: ['connect'] }, 'subscribe, publish, presence, history'],
    [{ presence: () => {} }, 'presence must be a value that JSON can say'],
  ])('%j of verify is a fault of the app: 500, and the log says why', async (verdict, why) => {
    const answer = await ask(makeTako(() => verdict as Verdict))(call)
    expect(answer).toMatchObject({ status: 500, body: { ok: false, error: { code: 'internal' } } })
    expect(log.error.mock.calls[0]?.[1].message).toContain(why)
  })

  test('a throw in verify lets nobody in, and is logged with its cause', async () => {
    const fault = new Error('no database')
    const answer = await ask(makeTako(() => Promise.reject(fault)))(call)
    expect(answer).toMatchObject({ status: 500, body: { ok: false } })
    expect(log.error).toHaveBeenCalledWith(expect.stringContaining("channel 'room'"), fault)
  })

  test.each([
    ['a wrong secret', 'not it'],
    ['an empty one', ''],
    ['none', null],
  ])('%s is 403 with a hint in the log, before verify is asked', async (_, token) => {
    const verify = vi.fn(() => true)
    expect(await ask(makeTako(verify))(call, { token })).toMatchObject({ status: 403 })
    expect(verify).not.toHaveBeenCalled()
    expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('--app-secret-file'))
  })

  test('an unknown channel is 404; a longer prefix of names counts', async () => {
    const asked = ask(makeTako(() => true))
    expect(await asked({ ...call, channel: 'rooms' })).toMatchObject({ status: 404 })
    const answer = await asked({ ...call, channel: 'team-7' })
    expect(answer).toEqual({ status: 200, body: { ok: true, subject: 'of a team' } })
  })

  test('params are checked again', async () => {
    const asked = ask(makeTako(() => true))
    expect(await asked({ ...call, params: { roomId: '' } })).toMatchObject({ status: 400 })
    expect(await asked({ ...call, params: {} })).toMatchObject({ status: 400 })
  })

  test('a channel without auth refuses and says so; auth: false lets everyone in', async () => {
    const asked = ask(makeTako(() => true))
    expect(await asked({ ...call, channel: 'silent' })).toMatchObject({ status: 403 })
    expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('auth: false'))
    expect(await asked({ ...call, channel: 'feed' })).toEqual({ status: 200, body: { ok: true } })
  })

  test('what is no call is 400, what is no POST 405', async () => {
    const asked = ask(makeTako(() => true))
    expect(await asked('no JSON')).toMatchObject({ status: 400 })
    expect(await asked({ channel: 'room' })).toMatchObject({ status: 400 })
    expect(await asked({ ...call, operation: 'fly' })).toMatchObject({ status: 400 })
    expect(await asked(null, { method: 'GET' })).toMatchObject({ status: 405 })
  })

  test('a body above the bound is 413', async () => {
    const asked = ask(makeTako(() => true))
    const body = JSON.stringify({ ...call, cookie: 'x'.repeat(callbackBytesMax) })
    expect(await asked(body)).toMatchObject({ status: 413 })
  })

  const dispatch = { path: '/channels/dispatch' }
  const message = {
    app: 'default',
    channel: 'room',
    params: { roomId: '42' },
    subject: 'ann',
    data: { text: 'hi' },
  }

  test.each([
    ['shout', { action: 'fanout', data: { text: 'HI', subject: 'ann' } }],
    ['hush', { action: 'drop' }],
    ['swear', { action: 'reject', reason: 'mind your words' }],
    ['curse', { action: 'reject', reason: 'mind yours' }],
    ['wave', { action: 'reject', reason: "no function handles 'wave'" }],
    ['toString', { action: 'reject', reason: "no function handles 'toString'" }],
  ])('dispatch runs the handler: %s', async (type, body) => {
    const answer = await ask(makeTako(() => true))({ ...message, type }, dispatch)
    expect(answer).toEqual({ status: 200, body })
    expect(log.error).not.toHaveBeenCalled()
  })

  test.each([
    ['crash', 'no database'],
    ['bits', 'JSON can not say'],
    ['code', 'returned a function'],
  ])('a handler that fails is a fault of the app: %s', async (type, why) => {
    const answer = await ask(makeTako(() => true))({ ...message, type }, dispatch)
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'internal' } } })
    expect(log.error.mock.calls[0]?.[0]).toContain('the message is not published')
    expect(log.error.mock.calls[0]?.[1].message).toContain(why)
  })

  test('a handler is told who sends, from where, and under which key', async () => {
    const asked = ask(makeTako(() => true))
    const call = { ...message, type: 'context', idempotencyKey: 'k', ip: '192.0.2.7' }
    const { data: _, ...told } = call
    expect(await asked(call, dispatch)).toEqual({
      status: 200,
      body: { action: 'fanout', data: { ...told, publishedBy: 'client' } },
    })
    const anonymous = { channel: 'room', params: { roomId: '42' }, type: 'context', data: 1 }
    expect((await asked(anonymous, dispatch)).body.data).toEqual({
      app: 'default',
      channel: 'room',
      params: { roomId: '42' },
      type: 'context',
      publishedBy: 'client',
    })
  })

  test('no mode of the environment changes an answer', async () => {
    for (const mode of ['development', 'production', 'test']) {
      vi.stubEnv('NODE_ENV', mode)
      const asked = ask(makeTako(() => false))
      expect(await asked(call)).toMatchObject({ status: 403 })
      expect(await asked(call, { token: 'wrong' })).toMatchObject({ status: 403 })
      expect(await asked({ ...call, params: {} })).toMatchObject({ status: 400 })
    }
    vi.unstubAllEnvs()
  })
})

test('a wrong secret is logged once in a while, not for every try', async () => {
  const asked = askFetch(makeTako(() => true))
  for (let i = 0; i < 5; i += 1) await asked(call, { token: 'wrong' })
  expect(log.warn).toHaveBeenCalledTimes(1)
})

test('without a secret nobody can call', async () => {
  const tako = createTako({ channels: [defineChannel('feed', { auth: false })], log })
  takos.push(tako)
  expect(await askFetch(tako)({ ...call, channel: 'feed' })).toMatchObject({ status: 403 })
  expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('TAKO_APP_SECRET_FILE'))
})

test("a request that is not the edge's is handed on, its body untouched", async () => {
  const tako = makeTako(() => true)
  const request = new Request('http://app/channels', { method: 'POST', body: 'mine' })
  expect(await tako.handler(request)).toBeNull()
  expect(await request.text()).toBe('mine')
})

test('a body that breaks off is told, and verify is not asked', async () => {
  const verify = vi.fn(() => true)
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
  const init = { method: 'POST', body, headers: { 'X-Tako-Internal-Token': secret } }
  const url = 'http://default.tako/channels/authorize'
  const request = new Request(url, { ...init, duplex: 'half' } as RequestInit)
  expect((await makeTako(verify).handler(request))?.status).toBe(400)
  expect(verify).not.toHaveBeenCalled()
})

test('a caller that leaves in the middle of its body breaks nothing', async () => {
  const verify = vi.fn(() => true)
  const tako = makeTako(verify)
  const server = http.createServer(tako.node)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const closed = new Promise((resolve) => server.once('connection', (s) => s.on('close', resolve)))
  const request = http.request({
    port,
    path: '/channels/authorize',
    method: 'POST',
    headers: { 'X-Tako-Internal-Token': secret, 'Content-Length': 1000 },
  })
  request.on('error', () => {})
  request.write('{"channel":')
  await new Promise((resolve) => server.once('request', resolve))
  request.destroy()
  await closed
  expect(verify).not.toHaveBeenCalled()
  expect(log.error).not.toHaveBeenCalled()
  server.close()
})
