// HTTPS in front of the edge, with the real proxy and the configuration that deploy/ gives for it.
//
//   node tests/deploy/proxy_test.mjs caddy|nginx BUILD_FOLDER
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { fetchText, openStream, openWebSocket } from './https_clients.mjs'
import { Stack, until } from './stack.mjs'

const [proxy, build] = process.argv.slice(2)
const wire = '/_tako/channels/wire'
const token = { Authorization: 'Bearer good' }
let stack

before(async () => {
  stack = await Stack.start(proxy, build)
})
after(() => stack?.stop())

/** The address that the app is told when a client with this token subscribes. */
async function ipToldFor(value, headers = {}) {
  const asked = () => stack.authorizations.find(({ header }) => header?.value === value)
  const socket = await openWebSocket(stack.to(wire, { headers: { Authorization: `Bearer ${value}`, ...headers } }))
  await until('the authorize call', asked)
  socket.close()
  return asked().ip
}

test('a WebSocket over TLS carries messages both ways', async () => {
  const socket = await openWebSocket(stack.to(wire, { headers: token }))
  socket.send(JSON.stringify({ type: 'say', data: 'from the client' }))
  assert.equal(JSON.parse((await socket.next()).text).data, 'from the client')
  assert.equal((await stack.publish('wire', 'from the app')).status, 201)
  assert.equal(JSON.parse((await socket.next()).text).data, 'from the app')
  socket.close()
})

test('an event stream is passed on block by block, not buffered', async () => {
  const stream = await openStream(stack.to('/_tako/channels/feed'))
  assert.equal(stream.status, 200)
  assert.match(await stream.next(), /^id: \d+-\w{8}$/) // At once, though nothing else comes.
  for (const number of [1, 2, 3]) {
    assert.equal((await stack.publish('feed', number)).status, 201)
    assert.match(await stream.next(), new RegExp(`"data":${number}`))
  }
  stream.close()
})

test('the app API takes a publish with a key', async () => {
  const stream = await openStream(stack.to('/_tako/channels/feed'))
  await stream.next()
  const request = stack.to('/_tako/api/v1/channels/feed/messages', {
    method: 'POST',
    headers: { Authorization: 'Bearer k1:long-secret', 'Content-Type': 'application/json' },
  })
  assert.equal((await fetchText(request, '{"type":"say","data":"by key"}')).status, 201)
  assert.match(await stream.next(), /"data":"by key"/)
  stream.close()
})

test('the largest message that the edge takes passes the proxy', async () => {
  const request = stack.to('/_tako/api/v1/channels/feed/messages', {
    method: 'POST',
    headers: { Authorization: 'Bearer k1:long-secret', 'Content-Type': 'application/json' },
  })
  const data = 'x'.repeat(1024 * 1024 - 2) // With its quotes it is 1 MiB.
  assert.equal((await fetchText(request, JSON.stringify({ type: 'say', data }))).status, 201)
})

test("the app is told the client's address, not the proxy's, and that it was https", async () => {
  assert.equal(await ipToldFor('address'), '127.0.0.2')
  assert.equal((await fetchText(stack.to('/page'))).text, 'the app')
  const { headers } = stack.appRequests.find(({ url }) => url === '/page')
  assert.equal(headers['x-forwarded-for'], '127.0.0.2, 127.0.0.1') // The client, the proxy.
  assert.equal(headers['x-forwarded-proto'], 'https')
  assert.equal(headers.host, `localhost:${stack.port}`)
})

test('a client cannot pretend another address through the proxy', async () => {
  assert.equal(await ipToldFor('pretender', { 'X-Forwarded-For': '203.0.113.7' }), '127.0.0.2')
})

test("a page's own origin is the edge's own host", async () => {
  const headers = { ...token, Origin: `https://localhost:${stack.port}` }
  const socket = await openWebSocket(stack.to(wire, { headers }))
  socket.close()
  const foreign = openWebSocket(stack.to(wire, { headers: { ...token, Origin: 'https://evil.example' } }))
  await assert.rejects(foreign, /refused with 403/)
})

test('a handoff to another edge process is not noticed through the proxy', async () => {
  const socket = await openWebSocket(stack.to(wire, { headers: token }))
  const stream = await openStream(stack.to('/_tako/channels/feed'))
  await stream.next()
  for (const round of [1, 2]) {
    await stack.handOver()
    socket.send(JSON.stringify({ type: 'say', data: `round ${round}` }))
    assert.equal(JSON.parse((await socket.next()).text).data, `round ${round}`)
    assert.equal((await stack.publish('feed', round)).status, 201)
    assert.match(await stream.next(), new RegExp(`"data":${round}`))
  }
  assert.equal((await fetchText(stack.to('/page'))).text, 'the app')
  socket.close()
  stream.close()
})

test('an edge that drains says so through the proxy', async () => {
  const socket = await openWebSocket(stack.to(wire, { headers: token }))
  const stream = await openStream(stack.to('/_tako/channels/feed'))
  await stream.next()
  stack.edge.kill('SIGTERM')
  assert.deepEqual(await socket.next(), { close: 1012 })
  assert.match(await stream.next(), /^retry: \d+$/)
  assert.equal(await stream.next(), null)
})
