// Webhooks: signed, in order, each event once, and again when the app fails.
import { createHmac } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

import express from 'express'
import { afterEach, expect, test, vi } from 'vitest'

import { type Tako, type WebhookEvent, createTako, defineChannel } from '../../src/index.js'
import { isSignedBy, parseSignature } from '../../src/app/signature.js'
import { until } from '../support/until.js'

const secret = 'a secret'
const log = { warn: vi.fn(), error: vi.fn() }
const closing: (() => unknown)[] = []
afterEach(async () => {
  vi.clearAllMocks()
  vi.useRealTimers()
  for (const close of closing.splice(0)) await close()
})

function makeTako(onEvent?: (event: WebhookEvent) => void | Promise<void>): Tako {
  const room = defineChannel('room', { auth: false, presence: true, webhooks: true })
  const given = onEvent === undefined ? {} : { onEvent }
  const tako = createTako({ channels: [room], secret, log, ...given })
  closing.push(() => tako.close())
  return tako
}

const event = (n: number): WebhookEvent => ({
  id: `e${n}`,
  type: 'member-entered',
  at: 1_790_000_000_000 + n,
  channel: 'room',
  params: {},
  key: 'room',
  subject: `s${n}`,
})
const batch = (...ids: number[]) => JSON.stringify({ app: 'default', events: ids.map(event) })

function sign(body: string, { key = secret, at = Date.now() } = {}): string {
  return `t=${at},v1=${createHmac('sha256', key).update(`${at}.${body}`).digest('hex')}`
}

async function post(tako: Tako, body: string, headers: HeadersInit = {}) {
  const url = 'http://default.tako/channels/events'
  const signed = { 'X-Tako-Signature': sign(body), ...headers }
  const answer = await tako.handler(new Request(url, { method: 'POST', body, headers: signed }))
  return answer?.status
}

test('events come one after the other, in order, typed', async () => {
  const told: string[] = []
  const tako = makeTako(async (event) => {
    await Promise.resolve()
    if (event.type === 'member-entered') told.push(`${event.id} ${event.subject} ${event.key}`)
  })
  expect(await post(tako, batch(1, 2))).toBe(200)
  expect(await post(tako, batch(3))).toBe(200)
  expect(told).toEqual(['e1 s1 room', 'e2 s2 room', 'e3 s3 room'])
})

test('what came before is not told again', async () => {
  const told: string[] = []
  const tako = makeTako((event) => void told.push(event.id))
  await post(tako, batch(1, 2))
  expect(await post(tako, batch(2, 3))).toBe(200)
  expect(told).toEqual(['e1', 'e2', 'e3'])
})

test('an app that fails is told again from where it failed', async () => {
  const told: string[] = []
  let isBroken = true
  const tako = makeTako((event) => {
    if (event.id === 'e2' && isBroken) throw new Error('no database')
    told.push(event.id)
  })
  expect(await post(tako, batch(1, 2, 3))).toBe(500)
  expect(log.error.mock.calls[0]?.[0]).toContain('the events come again')
  isBroken = false
  expect(await post(tako, batch(1, 2, 3))).toBe(200)
  expect(told).toEqual(['e1', 'e2', 'e3'])
})

test('a batch that comes again while it is worked on waits for that, within a bound', async () => {
  const told: string[] = []
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const tako = makeTako(async (event) => {
    await held
    told.push(event.id)
  })
  const answers = [1, 2, 3, 4].map(() => post(tako, batch(1)))
  await until('one is under way', async () => (await post(tako, batch(1))) === 503)
  release()
  expect(await Promise.all(answers)).toEqual([200, 200, 200, 200])
  expect(told).toEqual(['e1'])
})

test.each([
  ['a signature with another secret', () => sign(batch(1), { key: 'other' })],
  ['one over another body', () => sign(batch(2))],
  ['one of six minutes ago', () => sign(batch(1), { at: Date.now() - 6 * 60_000 })],
  ['one of six minutes ahead', () => sign(batch(1), { at: Date.now() + 6 * 60_000 })],
  ['one that is none', () => 'v1=00'],
  ['one with an empty mac', () => `t=${Date.now()},v1=`],
])('%s is 403, and nothing is told', async (_, signature) => {
  const onEvent = vi.fn()
  const headers = { 'X-Tako-Signature': signature(), 'X-Tako-Internal-Token': secret }
  expect(await post(makeTako(onEvent), batch(1), headers)).toBe(403)
  expect(onEvent).not.toHaveBeenCalled()
  expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('X-Tako-Signature'))
})

test('a known signature, made by another program', () => {
  // printf '1790000000000.{}' | openssl dgst -sha256 -hmac 'a secret'
  const mac = 'cfbcab62c8d2dc7705b468f2358bb0a022a6560748d1694d088a6e1071c2ad90'
  const signature = parseSignature(`t=1790000000000, v1=${mac}`)
  expect(signature).toEqual({ timeMs: 1_790_000_000_000, mac })
  expect(signature !== null && isSignedBy(secret, signature, '{}')).toBe(true)
  expect(signature !== null && isSignedBy(secret, signature, '{ }')).toBe(false)
})

test('what is no batch is 400; without onEvent it is 404, and the log says so', async () => {
  expect(await post(makeTako(vi.fn()), '{"events":[{}]}')).toBe(400)
  expect(await post(makeTako(vi.fn()), 'no JSON')).toBe(400)
  expect(await post(makeTako(), batch(1))).toBe(404)
  expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('onEvent'))
})

test('behind a body parser the token of the edge vouches for what it sent', async () => {
  const told: string[] = []
  const tako = makeTako((event) => void told.push(event.id))
  const app = express().use(express.json()).use(tako.node)
  const server = http.createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/channels/events`
  const body = `{ "app": "default",  "events": [${JSON.stringify(event(1))}] }`
  const headers = { 'Content-Type': 'application/json', 'X-Tako-Signature': sign(body) }
  expect((await fetch(url, { method: 'POST', body, headers })).status).toBe(403)
  const trusted = { ...headers, 'X-Tako-Internal-Token': secret }
  expect((await fetch(url, { method: 'POST', body, headers: trusted })).status).toBe(200)
  expect(told).toEqual(['e1'])
})
