// The pages of the example app: rooms, dashboard, activity, on a desk and on a phone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { App } from './support/app.mjs'
import { Browser } from './support/browser.mjs'

let app
let browser

before(async () => {
  app = await App.start(18_280)
  browser = await Browser.start()
})

after(async () => {
  await browser?.close()
  await app?.stop()
})

async function open(name, path = '/', options = {}) {
  const person = await browser.person(name, options)
  const tab = await person.open(`${app.url}${path}`)
  await tab.live()
  return { person, tab }
}

test('an empty room says so, and what happens first is shown', async () => {
  const { tab } = await open('Eva', '/rooms/kitchen')
  assert.match(await tab.page.textContent('.empty'), /It is quiet in #kitchen/)
  await tab.say('first')
  await tab.sees('first')
  assert.equal(await tab.page.locator('.empty').count(), 0)
})

test('who types is shown to the others, and only as long as it is so', async () => {
  const { tab: fay } = await open('Fay')
  const { tab: gus } = await open('Gus')
  await fay.page.locator('.composer textarea').pressSequentially('Well')
  const line = gus.page.locator('.typing')
  await line.getByText('Fay is typing').waitFor()
  await fay.page.press('.composer textarea', 'Enter')
  await gus.sees('Well')
  await gus.page.waitForFunction(() => document.querySelector('.typing').textContent === '')
})

test('switching rooms quickly ends in the right one, with all of its messages, once', async () => {
  const { tab } = await open('Hal')
  const historyLimit = 100
  const talks = ['lobby', 'kitchen', 'garden'].map((room) => app.publishing(room, `in ${room}`))
  for (let round = 0; round < 8; round += 1) {
    for (const room of ['kitchen', 'garden', 'lobby']) await tab.room(room)
  }
  await tab.room('kitchen')
  const [, kitchen] = await Promise.all(talks.map((talk) => talk.stop()))
  await tab.sees(kitchen.at(-1))
  const shown = await tab.texts('in kitchen')
  assert.ok(shown.length >= Math.min(historyLimit, kitchen.length) - 2, `${shown.length} shown`)
  assert.deepEqual(shown, kitchen.slice(-shown.length))
  assert.deepEqual(await tab.texts('in lobby'), [])
  assert.deepEqual(await tab.texts('in garden'), [])
  const ids = await tab.page.$$eval('.message', (all) => all.map((each) => each.dataset.id))
  assert.equal(new Set(ids).size, ids.length, 'no message twice')
  assert.deepEqual(tab.errors, [])
})

test('leaving a room loses neither what is half typed nor what waits to be sent', async () => {
  const { tab } = await open('Ida')
  await tab.cut()
  await tab.say('said in the lobby')
  await tab.page.fill('.composer textarea', 'unfinished')
  await tab.room('garden')
  assert.equal(await tab.page.inputValue('.composer textarea'), '')
  await tab.reconnect()
  await tab.hasStatus('open')
  await tab.room('lobby')
  await tab.sees('said in the lobby')
  await tab.nothingPending()
  assert.equal(await tab.page.inputValue('.composer textarea'), 'unfinished')
  assert.deepEqual(await tab.texts('said in the lobby'), ['said in the lobby'])
})

test('the dashboard goes on where it stopped: no tick is missing', async () => {
  const { tab } = await open('Jan', '/dashboard')
  await tab.page.waitForSelector('.chart .line')
  const tick = () => tab.page.$eval('.figures', (each) => Number(each.dataset.tick))
  const first = await tick()
  await tab.cut()
  await app.stack.restartBroker()
  await tab.reconnect()
  await tab.page.waitForFunction(
    (from) => Number(document.querySelector('.figures')?.dataset.tick) > from + 3,
    first,
  )
  assert.equal(await tab.page.getAttribute('.figures', 'data-missing'), '0')
  assert.deepEqual(tab.errors, [])
})

test('a wave reaches the one it is for, and nobody else', async () => {
  const { tab: kim } = await open('Kim')
  const { tab: leo } = await open('Leo')
  const { tab: mia } = await open('Mia', '/activity')
  await leo.say('wave at me')
  await kim.page.hover('.message:has-text("wave at me")')
  await kim.page.click('[aria-label="Wave at Leo"]')
  await leo.page.locator('.toast', { hasText: 'Kim waves at you' }).waitFor()
  await leo.page.click('.side a[href="/activity"]')
  await leo.page.locator('.feed li', { hasText: 'Kim waves at you' }).waitFor()
  assert.equal(await mia.page.locator('.feed li', { hasText: 'waves' }).count(), 0)
})

test('a name can be changed, and a tab can be someone else', async () => {
  const { person, tab } = await open('Nia')
  await tab.page.click('.profile-button')
  await tab.page.fill('#name', 'Nia Berg')
  await tab.page.click('button:has-text("Save")')
  await tab.live()
  await tab.say('under a new name')
  await tab.sees('under a new name')
  const authors = await tab.page.$$eval('.message header strong', (all) =>
    all.map((each) => each.textContent),
  )
  assert.equal(authors.at(-1), 'Nia Berg')
  await tab.page.click('.profile-button')
  await tab.page.click('button:has-text("Be someone else here")')
  await tab.live()
  assert.notEqual(await tab.page.textContent('.profile-name'), 'Nia Berg')
  assert.equal(person.context.pages().length, 1)
})

test('on a phone nothing is wider than the screen, and every page can be reached', async () => {
  const { tab } = await open('Pia', '/', {
    viewport: { width: 360, height: 700 },
    isMobile: true,
    hasTouch: true,
  })
  const pages = { '/rooms/lobby': '.room', '/dashboard': '.chart svg', '/activity': '.feed li' }
  for (const [path, shown] of Object.entries(pages)) {
    await tab.page.click(`.bottom a[href="${path}"]`)
    await tab.page.waitForSelector(shown)
    const width = await tab.page.evaluate(() => document.documentElement.scrollWidth)
    assert.equal(width, 360, path)
  }
  await tab.page.click('.bottom a >> nth=0')
  await tab.page.click('.chips a[href="/rooms/garden"]')
  await tab.page.waitForSelector('.room[aria-label="Room garden"]')
})
