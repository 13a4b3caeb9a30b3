// Many tabs of one person: a browser opens six connections to a host, over all its tabs, so streams
// of their own would be one too many, and the seventh page would not even load.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { App } from './support/app.mjs'
import { Browser } from './support/browser.mjs'

let app
let browser

before(async () => {
  app = await App.start(18_480)
  browser = await Browser.start()
})

after(async () => {
  await browser?.close()
  await app?.stop()
})

/** Until the tab's list has exactly so many waves. */
async function hasWaves(tab, count) {
  await tab.page.waitForFunction((wanted) => {
    const items = [...document.querySelectorAll('.feed li[data-type="wave"]')]
    return items.length === wanted
  }, count)
}

test('seven tabs over server-sent events are live, whichever of them is closed', async () => {
  const person = await browser.person('Olga')
  const tabs = []
  for (let index = 0; index < 7; index += 1) tabs.push(await person.open(`${app.url}/activity`))
  for (const tab of tabs) await tab.page.locator('.feed li', { hasText: 'Welcome' }).waitFor()
  const wave = (tab) => tab.page.click('button:has-text("Wave at yourself")')
  await wave(tabs[6])
  for (const tab of tabs) await hasWaves(tab, 1)
  // One of them holds the stream for all: when it goes, another goes on where it was.
  for (let closed = 0; closed < 4; closed += 1) {
    await tabs[closed].page.close()
    await wave(tabs[6])
    for (const tab of tabs.slice(closed + 1)) await hasWaves(tab, closed + 2)
  }
  for (const tab of tabs) assert.deepEqual(tab.errors, [])
})

test('tabs of two people in one browser stay apart', async () => {
  const person = await browser.person('Quinn')
  const first = await person.open(`${app.url}/activity`)
  const second = await person.open(`${app.url}/activity`)
  await second.page.click('.profile-button')
  await second.page.click('button:has-text("Be someone else here")')
  for (const tab of [first, second]) {
    await tab.page.locator('.feed li', { hasText: 'Welcome' }).waitFor()
  }
  await first.page.click('button:has-text("Wave at yourself")')
  await hasWaves(first, 1)
  await second.page.click('button:has-text("Wave at yourself")')
  await hasWaves(second, 1)
  await hasWaves(first, 1)
})
