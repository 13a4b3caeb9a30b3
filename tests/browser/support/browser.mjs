// A headless Chromium and what a person does with the example app in it.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const sdk = createRequire(new URL('../../../sdk/package.json', import.meta.url))
const { chromium } = sdk('playwright-core')

const waitMs = 15_000

/** Debian's Chromium, or the one that CHROMIUM names. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export class Browser {
  #browser

  static async start() {
    if (!existsSync(executablePath))
      throw new Error(`no ${executablePath}: apt-get install chromium`)
    const browser = new Browser()
    browser.#browser = await chromium.launch({
      executablePath,
      // Chromium's own sandbox does not run as root, where CI does.
      args: process.getuid() === 0 ? ['--no-sandbox'] : [],
    })
    return browser
  }

  /** A browser profile of a person's own; `options` are Playwright's for a context. */
  async person(name, options = {}) {
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 800 },
      ...options,
    })
    context.setDefaultTimeout(waitMs)
    return new Person(name, context)
  }

  async close() {
    await this.#browser?.close()
  }
}

/** Someone with tabs: they share a name, storage, and the limits that a browser has per host. */
export class Person {
  name
  context

  constructor(name, context) {
    this.name = name
    this.context = context
  }

  async open(url) {
    await this.context.addInitScript((name) => {
      // Not in the blank page that a tab begins with, which has no storage.
      if (location.protocol === 'http:') localStorage.setItem('rooms.name', name)
    }, this.name)
    const page = await this.context.newPage()
    await page.addInitScript(recordStatuses)
    await page.addInitScript(recordPeople)
    const tab = new Tab(page)
    await page.goto(url)
    return tab
  }
}

// Runs in the page: every status that the connection's button ever showed, in window.statuses.
function recordStatuses() {
  window.statuses = []
  const note = () => {
    const status = document.querySelector('.status')?.dataset.status
    if (status !== undefined && status !== window.statuses.at(-1)) window.statuses.push(status)
  }
  new MutationObserver(note).observe(document, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ['data-status'],
  })
}

// Runs in the page: every list of people that the column ever showed, in window.people.
function recordPeople() {
  window.people = []
  const note = () => {
    const column = document.querySelector('.people')
    if (column === null) return
    const names = [...column.querySelectorAll('.person')].map(({ dataset }) => dataset.person)
    const shown = names.sort().join()
    if (shown !== window.people.at(-1)) window.people.push(shown)
  }
  new MutationObserver(note).observe(document, { subtree: true, childList: true })
}

export class Tab {
  page
  /** What the page threw: a test that ends well has none. */
  errors = []

  constructor(page) {
    this.page = page
    page.on('pageerror', ({ message }) => this.errors.push(message))
    page.on('console', (message) => {
      // React's own complaints; that a server can't be reached is what many tests are about.
      const isNetwork = /WebSocket connection|Failed to load resource|net::/.test(message.text())
      if (message.type() === 'error' && !isNetwork) this.errors.push(message.text())
    })
  }

  /** Until the room is open and the connection live. */
  async live() {
    await this.page.waitForSelector('.status[data-status="open"]')
    await this.page.waitForSelector('.room .message, .room .empty, .scroll')
  }

  async say(text) {
    await this.page.fill('.composer textarea', text)
    await this.page.press('.composer textarea', 'Enter')
  }

  /** Every text in the room, in its order; `prefix` picks those that begin with it. */
  texts(prefix = '') {
    return this.page.$$eval(
      '.message p',
      (all, start) => all.map((each) => each.textContent).filter((text) => text.startsWith(start)),
      prefix,
    )
  }

  async sees(text) {
    await this.page.locator('.message p', { hasText: new RegExp(`^${text}$`) }).waitFor()
  }

  /** Until nothing that was typed here waits any more. */
  async nothingPending() {
    await this.page.waitForFunction(() => document.querySelector('.message.pending') === null)
  }

  /** What the connection's button showed since the page was opened. */
  statuses() {
    return this.page.evaluate(() => window.statuses)
  }

  async hasStatus(status) {
    await this.page.waitForSelector(`.status[data-status="${status}"]`)
  }

  /** Until the column shows exactly these people. */
  async showsPeople(...names) {
    await this.page.waitForFunction(
      (wanted) => window.people.at(-1) === wanted,
      names.sort().join(),
    )
  }

  /** Every list of people that was shown since the page was loaded. */
  people() {
    return this.page.evaluate(() => window.people)
  }

  async cut() {
    await this.page.click('.status-button')
    await this.page.click('button:has-text("Cut the connection")')
    await this.page.keyboard.press('Escape')
    await this.hasStatus('cut')
  }

  async reconnect() {
    await this.page.click('.status-button')
    await this.page.click('.panel button:has-text("Reconnect")')
    await this.page.keyboard.press('Escape')
  }

  async room(name) {
    await this.page.click(`.side a[href="/rooms/${name}"]`)
  }

  /** A picture, when TAKO_PICTURES names a folder for them. */
  async picture(name) {
    const folder = process.env.TAKO_PICTURES
    if (folder) await this.page.screenshot({ path: path.join(folder, `${name}.png`) })
  }
}
