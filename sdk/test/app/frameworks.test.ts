// The handlers mounted as docs/sdk/app.md shows it: Express, Hono, Next.js, node:http.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

import { type HttpBindings, serve } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'

import { createTako, defineChannel } from '../../src/index.js'

const tako = createTako({
  channels: [defineChannel('room', { auth: { verify: () => ({ subject: 'ann' }) } })],
  secret: 'a secret',
  log: { warn: vi.fn(), error: vi.fn() },
})
afterAll(() => tako.close())

const servers: http.Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function listen(server: http.Server): Promise<string> {
  servers.push(server)
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function authorize(url: string, token = 'a secret'): Promise<Response> {
  return fetch(`${url}/channels/authorize`, {
    method: 'POST',
    headers: { 'X-Tako-Internal-Token': token, 'Content-Type': 'application/json' },
    body: JSON.stringify({ app: 'default', channel: 'room', operation: 'connect', params: {} }),
  })
}

async function behavesWell(url: string): Promise<void> {
  expect(await (await authorize(url)).json()).toEqual({ ok: true, subject: 'ann' })
  expect((await authorize(url, 'wrong')).status).toBe(403)
  expect(await (await fetch(`${url}/hello`)).text()).toBe('hello')
  expect((await fetch(`${url}/nothing`)).status).toBe(404)
}

describe('Express 5', () => {
  test('before everything else', async () => {
    const app = express()
    app.use(tako.node)
    app.get('/hello', (_, response) => void response.send('hello'))
    await behavesWell(await listen(app.listen(0, '127.0.0.1')))
  })

  test.each([
    ['a JSON parser', express.json()],
    ['a parser of bytes', express.raw({ type: '*/*' })],
    ['a parser of text', express.text({ type: '*/*' })],
  ])('behind %s, which has read the body', async (_, parser) => {
    const app = express()
    app.use(parser)
    app.use(tako.node)
    app.get('/hello', (_, response) => void response.send('hello'))
    await behavesWell(await listen(app.listen(0, '127.0.0.1')))
  })

  test('in a router that is mounted on the path', async () => {
    const app = express()
    app.use('/channels', tako.node)
    app.get('/hello', (_, response) => void response.send('hello'))
    await behavesWell(await listen(app.listen(0, '127.0.0.1')))
  })
})

test('Hono', async () => {
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use(async (c, next) => (await tako.handler(c.req.raw)) ?? next())
  app.get('/hello', (c) => c.text('hello'))
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as http.Server
  await behavesWell(await listen(server))
})

test('Next.js: the route handler of app/channels/[call]/route.ts', async () => {
  const POST = async (request: Request): Promise<Response> =>
    (await tako.handler(request)) ?? new Response(null, { status: 404 })
  const call = (path: string) =>
    POST(
      new Request(`http://default.tako/channels/${path}`, {
        method: 'POST',
        headers: { 'X-Tako-Internal-Token': 'a secret' },
        body: JSON.stringify({ channel: 'room', operation: 'connect', params: {} }),
      }),
    )
  expect(await (await call('authorize')).json()).toEqual({ ok: true, subject: 'ann' })
  expect((await call('other')).status).toBe(404)
})

test('node:http, alone and in front of an app', async () => {
  const alone = await listen(http.createServer(tako.node).listen(0, '127.0.0.1'))
  expect((await authorize(alone)).status).toBe(200)
  expect((await fetch(`${alone}/hello`)).status).toBe(404)
  const server = http.createServer((request, response) => {
    tako.node(request, response, () => {
      const isHello = request.url === '/hello'
      response.writeHead(isHello ? 200 : 404).end(isHello ? 'hello' : '')
    })
  })
  await behavesWell(await listen(server.listen(0, '127.0.0.1')))
})
