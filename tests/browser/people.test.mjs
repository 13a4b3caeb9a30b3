// Who is here, in a real browser: one person over many tabs, nobody who flaps, someone who is removed.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { App } from './support/app.mjs'
import { Browser } from './support/browser.mjs'

const sessionLifetimeMs = 3_000
let app
let browser

before(async () => {
  app = await App.start(18_580, { SESSION_LIFETIME_MS: String(sessionLifetimeMs) })
  browser = await Browser.start()
})

after(async () => {
  await browser?.close()
  await app?.stop()
})

async function open(name, path = '/rooms/kitchen', options = {}) {
  const person = await browser.person(name, options)
  const tab = await person.open(`${app.url}${path}`)
  await tab.live()
  return { person, tab }
}

/** Two people who see each other, until `run` has run: then the room is empty again. */
async function two(names, path, run) {
  const [one, other] = [await open(names[0], path), await open(names[1], path)]
  try {
    await one.tab.showsPeople(...names)
    await other.tab.showsPeople(...names)
    const seen = (await one.tab.people()).length
    await run(one, other, async () => (await one.tab.people()).slice(seen))
    for (const { tab } of [one, other]) assert.deepEqual(tab.errors, [])
  } finally {
    for (const { person } of [one, other]) await person.context.close()
  }
}

/** Until the app was told so by a webhook. */
async function told(text) {
  const deadline = Date.now() + 15_000
  while (!app.output.includes(text)) {
    if (Date.now() > deadline) throw new Error(`never told: ${text}\n${app.output}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('three tabs of one person are one; a reload and closed tabs are no leave', () =>
  two(['Ada', 'Bo'], '/rooms/kitchen', async (ada, bo, since) => {
    const tabs = [await bo.person.open(bo.tab.page.url()), await bo.person.open(bo.tab.page.url())]
    for (const tab of tabs) await tab.showsPeople('Ada', 'Bo')
    await tabs[0].page.close()
    await tabs[1].page.close()
    await bo.tab.page.reload()
    await bo.tab.live()
    await bo.tab.showsPeople('Ada', 'Bo')
    assert.deepEqual(await since(), [], 'Ada saw nobody come or go')
    assert.equal(await ada.tab.page.textContent('.nav-people'), '2')
    await bo.tab.page.click('.side a[href="/rooms/garden"]')
    await ada.tab.showsPeople('Ada')
    // When the grace of the tabs that were closed is over, too.
    assert.deepEqual(await since(), ['Ada'])
    await told('Bo entered #garden')
  }))

test('who closes the browser leaves after the grace, once', () =>
  two(['Cy', 'Di'], '/rooms/kitchen', async (cy, di, since) => {
    await di.tab.page.close()
    await cy.tab.showsPeople('Cy')
    assert.deepEqual(await since(), ['Cy'])
    await told('Di was lost from #kitchen')
  }))

test('an edge is taken over, another is killed, the broker is restarted: nobody leaves', () =>
  two(['Ed', 'Flo'], '/rooms/garden', async (ed, flo, since) => {
    await app.stack.takeOver()
    await app.stack.killEdge()
    for (const { tab } of [ed, flo]) await tab.hasStatus('open')
    await app.stack.restartBroker('SIGKILL')
    await flo.tab.say('still here')
    await ed.tab.sees('still here')
    // A third one who comes and goes: by then the others' grace is over.
    const gil = await open('Gil', '/rooms/garden')
    await ed.tab.showsPeople('Ed', 'Flo', 'Gil')
    await gil.tab.page.close()
    await ed.tab.showsPeople('Ed', 'Flo')
    assert.deepEqual(await since(), ['Ed,Flo,Gil', 'Ed,Flo'])
    await gil.person.context.close()
  }))

test('short sessions are renewed in place: nobody leaves, no connection is lost', () =>
  two(['Hana', 'Ivo'], '/rooms/kitchen', async (hana, ivo, since) => {
    // Event streams come back with a fresh token; the WebSocket is told one in place.
    let sockets = 0
    ivo.tab.page.on('websocket', () => (sockets += 1))
    const startMs = Date.now()
    for (let n = 0; Date.now() - startMs < 2.5 * sessionLifetimeMs; n += 1) {
      await ivo.tab.say(`ivo ${n}`)
      await hana.tab.sees(`ivo ${n}`)
      // Slower than the room's clientRate, which ends connections that don't heed it.
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.deepEqual(await since(), [])
    assert.equal(sockets, 0)
  }))

test('someone is removed from a room, told why, and comes back when the ban is over', () =>
  two(['Jo', 'Kai'], '/rooms/lobby', async (jo, kai, since) => {
    await jo.tab.page.hover('.people .person[data-person="Kai"]')
    await jo.tab.page.click('.people [aria-label^="Remove Kai"]')
    await kai.tab.page.getByText('You were removed').waitFor()
    await jo.tab.showsPeople('Jo')
    await jo.tab.sees('Jo removed Kai for 10 seconds.')
    await jo.tab.say('without Kai')
    await jo.tab.sees('without Kai')
    assert.deepEqual(await kai.tab.texts('without Kai'), [])
    await told('Kai was removed from #lobby')
    await kai.tab.picture('removed')
    await kai.tab.page.click('button:has-text("Come back"):not([disabled])', { timeout: 20_000 })
    await kai.tab.page.locator('.message p', { hasText: 'without Kai' }).waitFor()
    await jo.tab.showsPeople('Jo', 'Kai')
    assert.deepEqual(await since(), ['Jo', 'Jo,Kai'])
  }))

test('who looks elsewhere is away, and nobody leaves for that', () =>
  two(['Lea', 'Mo'], '/rooms/garden', async (lea, mo, since) => {
    await mo.tab.page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await lea.tab.page.waitForSelector('.people .person[data-person="Mo"][data-away="true"]')
    assert.deepEqual(await since(), [])
  }))

test('what the handler rejects is told to its sender alone, with the reason', () =>
  two(['Ned', 'Oda'], '/rooms/garden', async (ned, oda) => {
    await ned.tab.say('buy my spam')
    await ned.tab.page.getByText('Not sent: That word is not for this place.').waitFor()
    await ned.tab.say('   a fair word   ')
    await oda.tab.sees('a fair word')
    assert.deepEqual(await oda.tab.texts('buy'), [])
    await ned.tab.page.click('button:has-text("Discard")')
    await ned.tab.page.waitForFunction(() => document.querySelector('.message.refused') === null)
  }))

test('earlier messages are loaded page by page, without a gap or a repeat', async () => {
  await app.publishMany('kitchen', 'old', 260)
  const { tab, person } = await open('Pam')
  await tab.sees('old 259')
  const talk = app.publishing('kitchen', 'new')
  const more = tab.page.locator('button:has-text("Load earlier messages")')
  while ((await tab.texts('old 0')).length === 0) {
    const before = (await tab.texts('old')).length
    await tab.page.locator('.messages').evaluate((list) => list.scrollTo(0, 0))
    await more.click()
    await tab.page.waitForFunction(
      (count) => {
        const all = [...document.querySelectorAll('.message p')]
        return all.filter((each) => each.textContent.startsWith('old')).length > count
      },
      before,
    )
  }
  const live = await talk.stop()
  await tab.page.waitForFunction(
    (last) => [...document.querySelectorAll('.message p')].at(-1)?.textContent === last,
    live.at(-1),
  )
  const old = Array.from({ length: 260 }, (_, n) => `old ${n}`)
  assert.deepEqual(await tab.texts('old'), old)
  const shown = await tab.texts('new')
  assert.deepEqual(shown, live.slice(-shown.length))
  assert.deepEqual(tab.errors, [])
  await person.context.close()
})

test('on a phone the people are behind their faces', async () => {
  const phone = { viewport: { width: 360, height: 700 }, isMobile: true, hasTouch: true }
  const { tab, person } = await open('Pia', '/rooms/lobby', phone)
  const { person: other } = await open('Quentin Very Long Name', '/rooms/lobby')
  await tab.page.click('[aria-label="2 people here"]')
  await tab.page.locator('.panel .person', { hasText: 'Quentin' }).waitFor()
  assert.equal(await tab.page.evaluate(() => document.documentElement.scrollWidth), 360)
  await tab.picture('phone_people')
  await person.context.close()
  await other.context.close()
})
