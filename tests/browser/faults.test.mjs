// What goes wrong around a page that is open, and that it loses nothing and shows nothing twice:
// checked message by message, while a backend publishes all the time.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'

import { App } from './support/app.mjs'
import { Browser } from './support/browser.mjs'
import { Wire } from './support/wire.mjs'

const sessionLifetimeMs = 6_000
// For tests that last: the page shows the newest 500 messages, and all of a test's are compared.
const slowMs = 60

let app
let browser
let wire
let count = 0

before(async () => {
  app = await App.start(18_180, { SESSION_LIFETIME_MS: String(sessionLifetimeMs) })
  wire = await Wire.to(app.url)
  browser = await Browser.start()
})

afterEach(() => wire.restore())

after(async () => {
  await browser?.close()
  await wire?.close()
  await app?.stop()
})

/** A new person in a room where a backend talks: numbers behind a prefix of the test's own. */
async function watch({ everyMs } = {}) {
  count += 1
  const prefix = `t${count}`
  const person = await browser.person(`Watcher ${count}`)
  const tab = await person.open(`${wire.url}/rooms/garden`)
  await tab.live()
  const talk = app.publishing('garden', prefix, everyMs)
  await talk.more(5)
  return { tab, talk, person, prefix }
}

/** Stops the talk; everything of it must be in the tab, in order and once. */
async function assertComplete({ tab, talk, prefix }) {
  await talk.more(5)
  const published = await talk.stop()
  await tab.sees(published.at(-1))
  assert.deepEqual(await tab.texts(`${prefix} `), published)
  assert.deepEqual(tab.errors, [])
}

test('the network goes and comes back: everything missed is there', async () => {
  const watched = await watch()
  wire.cut()
  await watched.tab.hasStatus('waiting')
  await watched.talk.more(20)
  const seen = await watched.tab.texts(`${watched.prefix} `)
  assert.ok(seen.length < watched.talk.published.length - 10, 'the tab was away')
  wire.restore()
  await watched.tab.page.evaluate(() => window.dispatchEvent(new Event('online')))
  await watched.tab.hasStatus('open')
  await assertComplete(watched)
})

test('the browser is offline for a while: what is typed meanwhile is sent once', async () => {
  const watched = await watch()
  const { tab, talk, person } = watched
  wire.cut()
  await person.context.setOffline(true)
  await tab.hasStatus('waiting')
  await tab.say('typed offline')
  await talk.more(10)
  wire.restore()
  await person.context.setOffline(false)
  await tab.hasStatus('open')
  await tab.nothingPending()
  await assertComplete(watched)
  assert.deepEqual(await tab.texts('typed offline'), ['typed offline'])
})

test('an edge is killed: the page comes back to the next one', async () => {
  const watched = await watch()
  await app.stack.killEdge()
  await assertComplete(watched)
})

test('a new edge takes over: no page notices', async () => {
  const watched = await watch()
  let sockets = 0
  watched.tab.page.on('websocket', () => (sockets += 1))
  for (let round = 0; round < 2; round += 1) {
    await app.stack.takeOver()
    await watched.talk.more(10)
  }
  await watched.tab.say('said to the third edge')
  await watched.tab.nothingPending()
  const statuses = await watched.tab.statuses()
  await assertComplete(watched)
  assert.deepEqual(statuses.slice(statuses.indexOf('open')), ['open'])
  assert.equal(sockets, 0, 'the same WebSocket from the first edge to the last')
})

test('the broker is restarted: no page notices', async () => {
  const watched = await watch()
  await app.stack.restartBroker()
  await watched.talk.more(10)
  const statuses = await watched.tab.statuses()
  await assertComplete(watched)
  assert.deepEqual(statuses.slice(statuses.indexOf('open')), ['open'])
})

test('a broker that is killed loses nothing that it acknowledged', async () => {
  const watched = await watch()
  await app.stack.restartBroker('SIGKILL')
  await assertComplete(watched)
})

test('a session that ends is renewed before: the page stays live', async () => {
  const watched = await watch({ everyMs: slowMs })
  const renewed = []
  watched.tab.page.on('request', (request) => {
    if (request.url().endsWith('/api/session')) renewed.push(Date.now())
  })
  const until = Date.now() + 2.5 * sessionLifetimeMs
  while (Date.now() < until) await watched.talk.more(10)
  await watched.tab.say('with a new session')
  await watched.tab.nothingPending()
  const statuses = await watched.tab.statuses()
  await assertComplete(watched)
  assert.deepEqual(statuses.slice(statuses.indexOf('open')), ['open'])
  assert.ok(renewed.length >= 2, `renewed ${renewed.length} times`)
})

test('a session that ended while the page was away is renewed on the way back', async () => {
  const watched = await watch({ everyMs: slowMs })
  wire.cut()
  await watched.tab.hasStatus('waiting')
  const until = Date.now() + sessionLifetimeMs + 500
  while (Date.now() < until) await watched.talk.more(10)
  wire.restore()
  await watched.tab.page.evaluate(() => window.dispatchEvent(new Event('online')))
  await watched.tab.hasStatus('open')
  await assertComplete(watched)
})

test('a frozen tab whose connection dies catches up when it is woken', async () => {
  const watched = await watch()
  const devtools = await watched.person.context.newCDPSession(watched.tab.page)
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
  wire.cut()
  await watched.talk.more(20)
  wire.restore()
  await devtools.send('Page.setWebLifecycleState', { state: 'active' })
  await watched.tab.hasStatus('open')
  await assertComplete(watched)
})

test('a hidden tab that waits for its next attempt makes it when it is shown', async () => {
  const watched = await watch()
  const { page } = watched.tab
  const show = (state) =>
    page.evaluate((visibility) => {
      Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, state)
  await show('hidden')
  wire.cut()
  await watched.tab.hasStatus('waiting')
  await watched.talk.more(20)
  wire.restore()
  await show('visible')
  await watched.tab.hasStatus('open')
  await assertComplete(watched)
})

test('a page that is loaded anew shows what was said before', async () => {
  const watched = await watch()
  await watched.tab.page.reload()
  await watched.tab.live()
  await assertComplete(watched)
})

test('a refused session is told and not asked for again and again; trying again mends it', async () => {
  const person = await browser.person('Refused')
  let asked = 0
  await person.context.route('**/api/session', (route) => {
    asked += 1
    return route.fulfill({ json: { token: 'not.ours' } })
  })
  const tab = await person.open(`${wire.url}/activity`)
  await tab.page.locator('.empty', { hasText: 'The stream can’t be opened' }).waitFor()
  await tab.room('garden')
  await tab.page.locator('.empty', { hasText: 'This room can’t be opened' }).waitFor()
  // Attempts that nobody stops would show by then: they begin within half a second.
  const askedBefore = asked
  await tab.page.waitForTimeout(3_000)
  assert.equal(asked, askedBefore)

  await person.context.unroute('**/api/session')
  await tab.page.click('button:has-text("Try again")')
  await tab.live()
  await tab.say('allowed now')
  await tab.sees('allowed now')
  await tab.nothingPending()
  await app.publish('kitchen', 'for the badge')
  await tab.page.waitForSelector('.side a[href="/rooms/kitchen"] .badge')
  await tab.page.click('.side a[href="/activity"]')
  await tab.page.click('button:has-text("Try again")')
  await tab.page.locator('.feed li', { hasText: 'Welcome' }).waitFor()
})

test('away for longer than messages are kept: the page says that some are missing', async () => {
  const person = await browser.person('Late')
  const tab = await person.open(`${wire.url}/rooms/kitchen`)
  await app.publish('kitchen', 'before')
  await tab.sees('before')
  wire.cut()
  await tab.hasStatus('waiting')
  await app.publishMany('kitchen', 'flood', 10_100) // 10,000 are kept.
  wire.restore()
  await tab.page.evaluate(() => window.dispatchEvent(new Event('online')))
  await tab.page.locator('.note.warn', { hasText: 'some before them are missing' }).waitFor()
  await tab.sees('flood 10099')
  const shown = await tab.texts('flood')
  assert.deepEqual(
    shown,
    Array.from({ length: shown.length }, (_, index) => `flood ${10_100 - shown.length + index}`),
  )
  await tab.say('and on it goes')
  await tab.sees('and on it goes')
  assert.deepEqual(tab.errors, [])
})
