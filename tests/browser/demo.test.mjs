// The demo as a person uses it: `make run`, two tabs, a cut connection, a reconnect.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Browser } from './browser.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const build = process.env.TAKO_BUILD_DIR ?? path.join(root, 'build')
const startMs = 30_000

/** deploy/run.mjs in a folder of its own. */
class Run {
  #folder = mkdtempSync(path.join(os.tmpdir(), 'tako-demo-'))
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
    return (await this.#line(/Tako Channels runs: (http:\S+)/))[1]
  }

  /** The process id that the script printed for one of the three. */
  async pid(name) {
    return Number((await this.#line(new RegExp(`^${name} \\(pid (\\d+)\\)`, 'm')))[1])
  }

  async stop() {
    this.process.kill('SIGINT')
    const code = await this.ended
    rmSync(this.#folder, { recursive: true, force: true })
    return code
  }

  async #line(pattern) {
    const deadline = Date.now() + startMs
    for (;;) {
      const match = this.output.match(pattern)
      if (match) return match
      if (Date.now() > deadline) throw new Error(`no ${pattern} in:\n${this.output}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const isAlive = (pid) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const isLive = `document.getElementById('state').dataset.state === 'live'`
const shown = (text) =>
  `[...document.querySelectorAll('.messages p')].filter((each) => each.textContent === '${text}').length`

async function say(tab, text) {
  await tab.value(`(() => {
    const form = document.querySelector('#chat form')
    form.elements.text.value = '${text}'
    form.requestSubmit()
  })()`)
}

let run
let browser
let ann
let bob

before(async () => {
  run = new Run()
  browser = new Browser()
  const address = await run.address()
  ann = await browser.open(address)
  bob = await browser.open(address)
  for (const tab of [ann, bob]) await tab.until('a live connection', isLive)
})

after(async () => {
  await browser?.close()
  await run?.stop()
})

test('what one tab says, the other shows', async () => {
  await say(ann, 'hello from ann')
  await bob.until('the message', `${shown('hello from ann')} === 1`)
  await say(bob, 'hello from bob')
  await ann.until('the answer', `${shown('hello from bob')} === 1`)
  await ann.until('no message is pending', `!document.querySelector('.messages .pending')`)
  await ann.picture('1-before')
})

test('a clap reaches every tab', async () => {
  await ann.click('#clap')
  await bob.until('the count', `document.getElementById('claps').textContent === '1'`)
})

test('a cut tab shows nothing new, and keeps what its person types', async () => {
  await bob.click('#cut')
  await bob.until('cut', `document.getElementById('state').dataset.state === 'cut'`)
  for (const text of ['one', 'two', 'three']) await say(ann, text)
  await ann.until('all sent', `!document.querySelector('.messages .pending')`)
  await say(bob, 'typed while away')
  assert.equal(await bob.value(shown('three')), 0)
  assert.equal(await bob.value(`document.querySelectorAll('.messages .pending').length`), 1)
  await bob.picture('2-cut')
})

test('after the reconnect everything missed is there, once and in order', async () => {
  await bob.click('#reconnect')
  await bob.until('what was missed', `${shown('three')} === 1`)
  await bob.until('what was typed', `!document.querySelector('.messages .pending')`)
  await ann.until('what was typed while away', `${shown('typed while away')} === 1`)
  const texts = await bob.texts('.messages p')
  assert.deepEqual(texts.filter((text) => ['one', 'two', 'three'].includes(text)), ['one', 'two', 'three'])
  assert.equal(texts.filter((text) => text === 'typed while away').length, 1)
  await bob.until('the caught-up line', `document.querySelector('.caught-up') !== null`)
  assert.match(await bob.text('.caught-up'), /^Caught up: 3 messages/)
  const ids = (await bob.texts('.messages .id')).map((id) => Number(id.split('-')[0]))
  assert.deepEqual(ids, [...ids].sort((a, b) => a - b))
  await bob.until('the resume is counted', `document.getElementById('resumes').textContent === '1'`)
  assert.equal(await bob.text('#gaps'), '0')
  await bob.picture('3-after')
})

test('the ticker went on where it stopped: no tick is missing', async () => {
  await bob.until('a tick', `/received/.test(document.querySelector('#ticker .note').textContent)`)
  assert.match(await bob.text('#ticker .note'), / 0 missing$/)
})

test('rooms are apart', async () => {
  await ann.value(`document.querySelectorAll('#chat nav button')[1].click()`)
  await say(ann, 'only in the kitchen')
  await bob.until('unread in the kitchen', `document.querySelectorAll('#chat nav button')[1].dataset.unread === '1'`)
  assert.equal(await bob.value(shown('only in the kitchen')), 0)
})

test('the printed curl line publishes', async () => {
  const line = run.output.split('\n').find((each) => each.includes('curl --unix-socket'))
  assert.ok(line, run.output)
  const { stdout, stderr, status } = spawnSync('bash', ['-c', line], { cwd: root, encoding: 'utf8' })
  assert.equal(status, 0, `${line}\n${stderr}`)
  assert.equal(JSON.parse(stdout).type, 'msg')
  await bob.until('its message', `${shown('hello from a terminal')} === 1`)
})

test('Ctrl-C ends all three with status 0', async () => {
  const pids = await Promise.all(['broker', 'edge', 'demo'].map((name) => run.pid(name)))
  assert.deepEqual(pids.map(isAlive), [true, true, true])
  assert.equal(await run.stop(), 0)
  assert.deepEqual(pids.map(isAlive), [false, false, false])
})

test('when one of the three dies, the script names it and ends the others', async () => {
  const second = new Run()
  try {
    await second.address()
    const pids = await Promise.all(['broker', 'edge', 'demo'].map((name) => second.pid(name)))
    process.kill(pids[0], 'SIGKILL')
    assert.equal(await second.ended, 1)
    assert.match(second.output, /broker ended \(SIGKILL\)/)
    assert.deepEqual(pids.map(isAlive), [false, false, false])
  } finally {
    await second.stop()
  }
})
