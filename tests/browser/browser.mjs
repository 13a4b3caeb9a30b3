// A headless Chromium, driven over its DevTools pipe: open tabs, click, type, read, take pictures.
import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

const waitMs = 15_000
const pollMs = 50

export class Browser {
  #process
  #profile = mkdtempSync(path.join(os.tmpdir(), 'tako-browser-'))
  #waiting = new Map() // request id -> {resolve, reject}
  #lastId = 0
  #unread = ''

  constructor() {
    const args = [
      '--headless=new', '--remote-debugging-pipe', `--user-data-dir=${this.#profile}`,
      '--disable-gpu', '--no-first-run', '--disable-extensions', '--window-size=1200,980',
      // Chromium's own sandbox does not run as root, where CI does.
      ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
    ]
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']
    const env = { ...process.env, TMPDIR: this.#profile } // It leaves files in its temporary folder.
    // In a process group of its own, so that close() reaches its helpers. Without us it ends by
    // itself: its pipe is closed.
    this.#process = spawn('chromium', args, { stdio, env, detached: true })
    this.#process.on('error', (failure) => this.#fail(failure))
    this.#process.on('exit', () => this.#fail(new Error('the browser ended')))
    this.#process.stdio[4].setEncoding('utf8').on('data', (text) => this.#read(text))
  }

  async open(url) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const tab = new Tab(this, sessionId)
    await tab.send('Page.enable')
    await tab.send('Page.navigate', { url })
    return tab
  }

  async close() {
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGTERM')
    await exited
    // Its helpers outlive it for a moment, and write into the profile that goes now.
    try {
      process.kill(-this.#process.pid, 'SIGKILL')
    } catch {
      // None was left.
    }
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.#lastId
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #read(text) {
    const messages = (this.#unread + text).split('\0')
    this.#unread = messages.pop()
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message)
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error) waiting?.reject(new Error(error.message))
      else waiting?.resolve(result)
    }
  }

  #fail(failure) {
    for (const { reject } of this.#waiting.values()) reject(failure)
    this.#waiting.clear()
  }
}

class Tab {
  #browser
  #sessionId

  constructor(browser, sessionId) {
    this.#browser = browser
    this.#sessionId = sessionId
  }

  send(method, params) {
    return this.#browser.send(method, params, this.#sessionId)
  }

  /** The value of an expression in the page, awaited there. */
  async value(expression) {
    const reply = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (reply.exceptionDetails) throw new Error(`${expression}: ${reply.exceptionDetails.text}`)
    return reply.result.value
  }

  text(selector) {
    return this.value(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`)
  }

  texts(selector) {
    return this.value(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.textContent)`,
    )
  }

  click(selector) {
    return this.value(`document.querySelector(${JSON.stringify(selector)}).click()`)
  }

  /**
   * Waits until the expression is true in the page; `what` names it in the failure. It may throw
   * meanwhile: a page that is still loading has no such element.
   */
  async until(what, expression) {
    const deadline = Date.now() + waitMs
    let failure = ''
    const isTrue = () => this.value(expression).catch((reason) => void (failure = reason.message))
    while (!(await isTrue())) {
      if (Date.now() > deadline) {
        throw new Error(`not within ${waitMs} ms: ${what}\n${failure}\n${await this.text('body')}`)
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }

  /** A picture, when TAKO_PICTURES names a folder for them. */
  async picture(name) {
    const folder = process.env.TAKO_PICTURES
    if (!folder) return
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' })
    writeFileSync(path.join(folder, `${name}.png`), Buffer.from(data, 'base64'))
  }
}
