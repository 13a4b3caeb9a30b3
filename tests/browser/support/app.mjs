// The whole product with the example app, for a test; and publishing to it as a backend would.
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { Stack } from '../../../deploy/stack.mjs'

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
  async publish(room, text, idempotencyKey = text) {
    const deadline = Date.now() + 10_000
    for (;;) {
      const status = await this.#post(room, text, idempotencyKey)
      if (status === 201 || status === 200) return
      if (Date.now() > deadline) throw new Error(`publish ${text}: ${status}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Publishes numbered messages, one behind the other, until stopped; what it published then. */
  publishing(room, prefix) {
    const published = []
    let isStopped = false
    const done = (async () => {
      while (!isStopped) {
        const text = `${prefix} ${published.length}`
        await this.publish(room, text)
        published.push(text)
        await new Promise((resolve) => setTimeout(resolve, 15))
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

  #post(room, text, idempotencyKey) {
    return new Promise((resolve) => {
      const request = http.request({
        socketPath: this.stack.file('app.sock'),
        method: 'POST',
        path: `/v1/channels/chat/messages?room=${room}`,
        headers: { 'idempotency-key': idempotencyKey.replaceAll(' ', '-') },
        timeout: 5_000,
      })
      request.on('response', (response) => response.resume() && resolve(response.statusCode))
      request.on('timeout', () => request.destroy(new Error('no answer in time')))
      request.on('error', (failure) => resolve(failure.message))
      request.end(JSON.stringify({ type: 'msg', data: { text, name: 'backend', at: Date.now() } }))
    })
  }
}
