// The three snippets of the README, run as they stand there against the real server.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, expect, test } from 'vitest'

import { Cluster } from '../support/cluster.js'
import { Project } from '../support/project.js'
import { until } from '../support/until.js'

const ends: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

/** Its code blocks by the file that their first line names. */
function snippets(): Map<string, string> {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)]
  return new Map(blocks.map(([, file = '', code = '']) => [file, code]))
}

// What a page has and Node 20 has not.
const page = `
import { WebSocket } from 'ws'
globalThis.WebSocket ??= WebSocket
globalThis.location = { origin: process.env.ORIGIN }
`

function start(project: Project, file: string, env: Record<string, string>) {
  const jiti = pathToFileURL(path.join(project.folder, 'node_modules/jiti/lib/jiti-register.mjs'))
  const child: ChildProcess = spawn(process.execPath, ['--import', jiti.href, file], {
    cwd: project.folder,
    env: { ...process.env, ...env },
  })
  ends.push(() => child.kill('SIGKILL'))
  const program = { child, output: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (program.output += text))
  }
  return program
}

// The edge is told the app's address before the app is there to choose one.
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

test('define, publish, subscribe', async () => {
  const project = await Project.create()
  ends.push(() => project.remove())
  for (const [file, code] of snippets()) project.write(file, code)
  project.write('page.js', `${page}await import('./src/page.ts')\n`)
  const types = { strict: true, target: 'ES2022', module: 'NodeNext', types: ['node'] }
  const config = {
    compilerOptions: { ...types, lib: ['ES2022', 'DOM'] },
    include: ['src', '*.d.ts'],
  }
  project.write('tsconfig.json', JSON.stringify(config))
  expect((await project.cli(['generate'])).code).toBe(0)
  expect(await project.compile()).toBe('')

  const port = await freePort()
  const cluster = await Cluster.start({ upstream: `http://127.0.0.1:${port}` })
  ends.push(() => cluster.stop())
  const server = start(project, 'src/server.ts', {
    PORT: String(port),
    TAKO_APP_SOCKET: cluster.appSocket,
    TAKO_APP_SECRET_FILE: path.join(cluster.folder, 'secret'),
  })
  await until(`the publish: ${server.output}`, () => server.output.includes('stored as 1-'))
  const tab = start(project, 'page.js', { ORIGIN: cluster.url })
  await until('both messages', () => tab.output.includes('ann: hello to you')).catch((failure) => {
    throw new Error(`${failure.message}: ${tab.output} ${server.output}`)
  })
  expect(tab.output).toBe('the app: hello\nann: hello to you\n')
}, 120_000)
