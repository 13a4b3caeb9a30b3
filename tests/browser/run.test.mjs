// `make run` as a person uses it: two tabs, a cut connection, a line for the terminal, Ctrl-C.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { build } from './support/app.mjs'
import { Browser } from './support/browser.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const startMs = 30_000

/** deploy/run.mjs in a folder of its own. */
class Run {
  #folder = mkdtempSync(path.join(os.tmpdir(), 'tako-run-test-'))
  output = ''

  constructor() {
    const script = path.join(root, 'deploy/run.mjs')
    const env = { ...process.env, PORT: '18080' } // The first to try; taken ones are passed over.
    this.process = spawn(process.execPath, [script, build, this.#folder], { env, cwd: root })
    this.ended = new Promise((resolve) => this.process.on('exit', (code) => resolve(code)))
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text))
    }
  }

  async address() {
    return (await this.says(/Tako Channels runs: (http:\S+)/))[1]
  }

  /** The process id that the script printed for one of the three. */
  async pid(name) {
    return Number((await this.says(new RegExp(`^${name} \\(pid (\\d+)\\)`, 'm')))[1])
  }

  type(line) {
    this.process.stdin.write(`${line}\n`)
  }

  async says(pattern) {
    const deadline = Date.now() + startMs
    for (;;) {
      const match = this.output.match(pattern)
      if (match) return match
      if (Date.now() > deadline) throw new Error(`no ${pattern} in:\n${this.output}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async stop() {
    this.process.kill('SIGINT')
    const code = await this.ended
    rmSync(this.#folder, { recursive: true, force: true })
    return code
  }
}

const isAlive = (pid) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

let run
let browser
let ann
let bob

before(async () => {
  run = new Run()
  browser = await Browser.start()
  const address = await run.address()
  ann = await (await browser.person('Ann')).open(address)
  bob = await (await browser.person('Bob')).open(address)
  for (const tab of [ann, bob]) await tab.live()
})

after(async () => {
  await browser?.close()
  await run?.stop()
})

test('what one tab says, the other shows, and who says so', async () => {
  await ann.say('hello from ann')
  await bob.sees('hello from ann')
  await bob.say('hello from bob')
  await ann.sees('hello from bob')
  await ann.nothingPending()
  const authors = await ann.page.$$eval('.message header strong', (all) =>
    all.map((each) => each.textContent),
  )
  assert.deepEqual(authors, ['Ann', 'Bob'])
})

test('a cut tab shows nothing new, and keeps what its person types', async () => {
  await bob.cut()
  for (const text of ['one', 'two', 'three']) await ann.say(text)
  await ann.nothingPending()
  await bob.say('typed while away')
  assert.deepEqual(await bob.texts('three'), [])
  assert.equal(await bob.page.locator('.message.pending').count(), 1)
  await bob.picture('cut')
})

test('after the reconnect everything missed is there, once and in order', async () => {
  await bob.reconnect()
  await bob.sees('three')
  await bob.nothingPending()
  await ann.sees('typed while away')
  const expected = ['hello from ann', 'hello from bob', 'one', 'two', 'three', 'typed while away']
  assert.deepEqual((await bob.texts()).sort(), [...expected].sort())
  assert.deepEqual(
    (await bob.texts()).filter((text) => /^(one|two|three)$/.test(text)),
    ['one', 'two', 'three'],
  )
  await bob.page.waitForSelector('.away')
  assert.equal(await bob.page.textContent('.away'), 'While you were away · 3 messages')
  assert.deepEqual(await ann.texts(), await bob.texts(), 'one order for everyone')
  await bob.picture('back')
})

test('rooms are apart', async () => {
  await ann.room('kitchen')
  await ann.say('only in the kitchen')
  const badge = bob.page.locator('.side a[href="/rooms/kitchen"] .badge')
  await badge.waitFor()
  assert.equal(await badge.textContent(), '1')
  assert.deepEqual(await bob.texts('only in'), [])
})

test('the printed curl line publishes', async () => {
  const line = run.output.split('\n').find((each) => each.includes('curl --unix-socket'))
  assert.ok(line, run.output)
  const { stdout, stderr, status } = spawnSync('bash', ['-c', line], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(status, 0, `${line}\n${stderr}`)
  assert.equal(JSON.parse(stdout).type, 'msg')
  await bob.sees('hello from a terminal')
})

test('the edge is replaced and the broker restarted by a letter, and no tab notices', async () => {
  const before = await bob.statuses()
  run.type('e')
  await run.says(/A new edge process serves/)
  run.type('b')
  await run.says(/The broker was restarted/)
  await ann.room('lobby')
  await ann.say('still here')
  await bob.sees('still here')
  assert.deepEqual(await bob.statuses(), before)
})

test('Ctrl-C ends all three with status 0, and the pages threw nothing', async () => {
  assert.deepEqual([...ann.errors, ...bob.errors], [])
  const pids = [...run.output.matchAll(/^(?:broker|edge|app) \(pid (\d+)\)/gm)].map((match) =>
    Number(match[1]),
  )
  assert.equal(pids.filter(isAlive).length, 3)
  assert.equal(await run.stop(), 0)
  assert.equal(pids.filter(isAlive).length, 0)
})

test('when one of the three dies, the script names it and ends the others', async () => {
  const second = new Run()
  try {
    await second.address()
    const pids = await Promise.all(['broker', 'edge', 'app'].map((name) => second.pid(name)))
    process.kill(pids[0], 'SIGKILL')
    assert.equal(await second.ended, 1)
    assert.match(second.output, /broker ended \(SIGKILL\)/)
    assert.deepEqual(pids.map(isAlive), [false, false, false])
  } finally {
    await second.stop()
  }
})
