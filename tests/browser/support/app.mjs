// The whole product with the example app, for a test; and publishing to it as a backend would.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { Stack } from '../../../deploy/stack.mjs'

const batchMax = 1_000
const root = fileURLToPath(new URL('../../..', import.meta.url))

export const build = process.env.TAKO_BUILD_DIR ?? path.join(root, 'build')

export class App {
  stack
  #folder = mkdtempSync(path.join(os.tmpdir(), 'tako-browser-'))
  #lines = []

  /** `environment` is the app's; `firstPort` the first to try, of each test file its own. */
  static async start(firstPort, environment = {}) {
    const app = new App()
    app.stack = new Stack({
      build,
      folder: app.#folder,
      environment,
      onLine: (line) => app.#lines.push(line),
      onEnd: (name, how) => app.#lines.push(`${name} ended unasked: ${how}`),
    })
    await app.stack.start(firstPort).catch(async (failure) => {
      await app.stop()
      throw new Error(`${failure.message}\n${app.#lines.join('\n')}`)
    })
    return app
  }

  get url() {
    return this.stack.address
  }

  /** What the programs printed. */
  get output() {
    return this.#lines.join('\n')
  }

  async stop() {
    await this.stack.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /**
   * One message into a room; resolves when the broker has it. Waits for a broker that is being
   * restarted: the key keeps a repeated call from storing it twice.
   */
  async publish(room, text) {
    const target = `/v1/channels/chat/messages?room=${room}`
    const body = messageOf(text)
    const headers = { 'idempotency-key': randomUUID() }
    const deadline = Date.now() + 10_000
    for (;;) {
      const status = await this.#post(target, body, headers)
      if (status === 201 || status === 200) return
      if (Date.now() > deadline) throw new Error(`publish ${text}: ${status}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Publishes so many numbered messages at once, in batches. */
  async publishMany(room, prefix, count) {
    const texts = Array.from({ length: count }, (_, index) => `${prefix} ${index}`)
    for (let from = 0; from < count; from += batchMax) {
      const messages = texts.slice(from, from + batchMax).map((text) => ({
        channel: 'chat',
        params: { room },
        ...messageOf(text),
      }))
      const status = await this.#post('/v1/batch', { messages })
      if (status !== 200) throw new Error(`batch: ${status}`)
    }
  }

  /** Publishes numbered messages, one behind the other, until stopped; what it published then. */
  publishing(room, prefix, everyMs = 15) {
    const published = []
    let isStopped = false
    const done = (async () => {
      while (!isStopped) {
        const text = `${prefix} ${published.length}`
        await this.publish(room, text)
        published.push(text)
        await new Promise((resolve) => setTimeout(resolve, everyMs))
      }
    })()
    return {
      published,
      /** Until so many more are out. */
      more: async (count) => {
        const target = published.length + count
        while (published.length < target) {
          await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 10))])
        }
      },
      stop: async () => {
        isStopped = true
        await done
        return published
      },
    }
  }

  #post(target, body, headers = {}) {
    return new Promise((resolve) => {
      const request = http.request({
        socketPath: this.stack.file('app.sock'),
        method: 'POST',
        path: target,
        headers,
        timeout: 5_000,
      })
      request.on('response', (response) => response.resume() && resolve(response.statusCode))
      request.on('timeout', () => request.destroy(new Error('no answer in time')))
      request.on('error', (failure) => resolve(failure.message))
      request.end(JSON.stringify(body))
    })
  }
}

function messageOf(text) {
  return { type: 'msg', data: { text, name: 'backend', at: Date.now() } }
}
