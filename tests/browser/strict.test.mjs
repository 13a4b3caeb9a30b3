// The page with React's development build, which mounts everything twice (StrictMode) and complains
// of what is wrong: nothing may show twice, and there is nothing to complain of.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { App } from './support/app.mjs'
import { Browser } from './support/browser.mjs'

const example = fileURLToPath(new URL('../../sdk/examples/rooms', import.meta.url))
const page = mkdtempSync(path.join(os.tmpdir(), 'tako-page-'))

let app
let browser

before(async () => {
  const vite = path.join(example, '../../node_modules/vite/bin/vite.js')
  const args = [vite, 'build', '--mode', 'development', '--outDir', page]
  const env = { ...process.env, NODE_ENV: 'development' }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: example,
    env,
    encoding: 'utf8',
  })
  assert.equal(status, 0, `${stdout}${stderr}`)
  app = await App.start(18_380, { PAGE: page })
  browser = await Browser.start()
})

after(async () => {
  await browser?.close()
  await app?.stop()
  rmSync(page, { recursive: true, force: true })
})

test('strict mode: nothing is lost or shown twice, over a cut and other rooms', async () => {
  const tab = await (await browser.person('Rob')).open(app.url)
  await tab.live()
  const script = await tab.page.getAttribute('script[src]', 'src')
  const code = await (await fetch(new URL(script, app.url))).text()
  assert.match(code, /react-dom-client\.development/, 'this is the development build')
  const talk = app.publishing('lobby', 'strict')
  await talk.more(10)
  await tab.cut()
  await tab.say('typed while away')
  await talk.more(10)
  await tab.reconnect()
  await tab.hasStatus('open')
  await tab.nothingPending()
  for (const room of ['kitchen', 'garden', 'lobby']) await tab.room(room)
  await talk.more(5)
  const published = await talk.stop()
  await tab.sees(published.at(-1))
  assert.deepEqual(await tab.texts('strict'), published)
  assert.deepEqual(await tab.texts('typed'), ['typed while away'])
})

test('strict mode: one wave is one notification, and every page is without complaint', async () => {
  const tab = await (await browser.person('Sue')).open(`${app.url}/activity`)
  await tab.page.click('button:has-text("Wave at yourself")')
  await tab.page.locator('.feed li', { hasText: 'Sue waves at you' }).waitFor()
  await tab.page.click('.side a[href="/dashboard"]')
  await tab.page.waitForSelector('.chart .line')
  await tab.page.click('.side a[href="/activity"]')
  assert.equal(await tab.page.locator('.feed li', { hasText: 'Sue waves at you' }).count(), 1)
  assert.deepEqual(tab.errors, [])
})
