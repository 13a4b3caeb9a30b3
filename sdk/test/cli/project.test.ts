// The package as somebody installs it: its command, its types, its entries.
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { publint } from 'publint'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { AppServer } from '../support/app_server.js'
import { Project } from '../support/project.js'

let project: Project
beforeAll(async () => {
  project = await Project.create()
}, 120_000)
afterAll(() => project.remove())

const channel = (name: string, rest = '') =>
  `import { defineChannel } from 'tako-channels'\n\nexport default defineChannel('${name}', { auth: false${rest} })\n`

describe('the command', () => {
  let folder = ''
  beforeEach(({ task }) => {
    folder = `case-${task.id}`
    mkdirSync(path.join(project.folder, folder))
  })
  const write = (file: string, text: string) => project.write(`${folder}/${file}`, text)

  test('--help says what there is, --version the version', async () => {
    const { code, out } = await project.cli(['--help'])
    expect(code).toBe(0)
    for (const word of ['print', 'check', 'push', 'generate', '--socket', 'Exit codes']) {
      expect(out).toContain(word)
    }
    expect(await project.cli(['-v'])).toMatchObject({ code: 0, out: '0.1.0\n' })
  })

  test.each([
    [[], 'no command given'],
    [['pull'], "'pull' is no command"],
    [['print', 'a', 'b'], "what is 'b'?"],
    [['print', '--all'], "'--all'"],
  ])('%j is wrong usage', async (args, why) => {
    const { code, error } = await project.cli(args)
    expect(code).toBe(2)
    expect(error).toContain(why)
    expect(error).toContain('--help')
  })

  test('print loads TypeScript and JavaScript, skips _ and . and declarations', async () => {
    write('b.ts', channel('from-ts', ', paramsSchema: (t) => t.Object({ id: t.String() })'))
    write('a.mjs', channel('from-mjs'))
    write('c.tsx', channel('from-tsx'))
    write('_helper.ts', 'throw new Error("not to be loaded")')
    write('.hidden.ts', 'throw new Error("not to be loaded")')
    write('a.d.ts', 'declare const nothing: 1')
    write('readme.md', '# Nothing')
    mkdirSync(path.join(project.folder, folder, '_lib'))
    const { code, out, error } = await project.cli(['print', folder])
    expect(error).toBe('')
    expect(code).toBe(0)
    const { definitions } = JSON.parse(out)
    expect(definitions.map(({ name }: { name: string }) => name)).toEqual([
      'from-mjs',
      'from-ts',
      'from-tsx',
    ])
    expect(definitions[1]).toMatchObject({ auth: false, paramsSchema: { required: ['id'] } })
  })

  test('a definition may import what is beside it, as the app does', async () => {
    write('a.ts', `import { name } from './_names.js'\n${channel('x').replace("'x'", 'name')}`)
    write('_names.ts', "export const name: string = 'from-a-helper'\n")
    expect(await project.cli(['check', folder])).toMatchObject({
      code: 0,
      out: expect.stringContaining('from-a-helper'),
    })
  })

  test.each([
    ['a folder inside', { 'sub/a.ts': channel('a') }, 'a folder inside a channels folder'],
    ['no channel', { 'a.ts': 'export default 7\n' }, 'no channel as its default export'],
    ['no default', { 'a.mjs': 'export const a = 7\n' }, 'no channel as its default export'],
    [
      'a name twice',
      { 'a.ts': channel('x'), 'b.ts': channel('x') },
      "two definitions are named 'x'",
    ],
    ['a fault in the file', { 'a.ts': 'throw new Error("boom")\n' }, 'boom'],
    ['a bad definition', { 'a.ts': channel('x', ', ttl: 1') }, "'ttl' is unknown"],
  ])('check tells %s', async (_, files, why) => {
    for (const [file, text] of Object.entries(files)) write(file, text)
    const { code, error } = await project.cli(['check', folder])
    expect(error).toContain(why)
    expect(code).toBe(1)
  })

  test('without a folder the usual ones are looked for', async () => {
    expect(await project.cli(['print', 'nowhere'])).toMatchObject({
      code: 1,
      error: expect.stringContaining('is no folder'),
    })
    expect(await project.cli(['print'])).toMatchObject({
      code: 1,
      error: expect.stringContaining('no src/channels and no channels'),
    })
  })

  test('push replaces the definitions, and tells of edges that lag', async () => {
    const answers = [
      { status: 200, body: { version: 3, pending: ['edge-2'] } },
      { status: 400, body: { error: { code: 'definition-invalid', message: 'no', hint: 'so' } } },
    ]
    const server = await AppServer.start((_, index) => answers[index] ?? { status: 500 })
    write('a.ts', channel('pushed'))
    const socket = ['--socket', server.socketPath]
    const done = await project.cli(['push', folder, ...socket, '--app', 'shop'])
    expect(done).toMatchObject({ code: 0, out: '1 pushed: pushed\n' })
    expect(done.error).toContain('edge-2')
    expect(server.received[0]).toMatchObject({
      method: 'PUT',
      target: '/v1/definitions',
      headers: { 'tako-app': 'shop' },
      body: { definitions: [{ name: 'pushed', auth: false }] },
    })
    const refused = await project.cli(['push', folder], { TAKO_APP_SOCKET: server.socketPath })
    expect(refused).toMatchObject({ code: 1, error: expect.stringContaining('no\n  so') })
    await server.stop()
    const away = await project.cli(['push', folder, ...socket, '--timeout', '0.1'])
    expect(away).toMatchObject({ code: 3, error: expect.stringContaining('--app-socket') })
    const never = await project.cli(['push', folder, '--timeout', 'never'])
    expect(never.code).toBe(2)
  })

  test('generate writes once, and again only when something changed', async () => {
    write('a.ts', channel('a'))
    const out = `${folder}.d.ts`
    expect((await project.cli(['generate', folder, '--out', out])).out).toContain('written')
    const text = readFileSync(path.join(project.folder, out), 'utf8')
    expect(text).toContain(`'a': InferChannel<typeof import('./${folder}/a.js').default>`)
    expect((await project.cli(['generate', folder, '--out', out])).out).toContain('up to date')
    write('b.mts', channel('team-*'))
    expect((await project.cli(['generate', folder, '--out', out])).out).toContain('written')
    expect(readFileSync(path.join(project.folder, out), 'utf8')).toContain(
      `[name: \`team-\${string}\`]: InferChannel<typeof import('./${folder}/b.mjs').default>`,
    )
  })
})

describe('types', () => {
  test.each(['types', 'moved'])(
    'the fixture %s compiles',
    async (fixture) => {
      project.addFixture(fixture)
      const generated = await project.cli(['generate'], {}, fixture)
      expect(generated).toMatchObject({
        code: 0,
        error: '',
        out: expect.stringContaining('written'),
      })
      expect(await project.compile(fixture)).toBe('')
    },
    120_000,
  )
})

describe('the package', () => {
  test('publint and arethetypeswrong find nothing', async () => {
    const { messages } = await publint({ pkgDir: project.package, strict: true, pack: false })
    expect(messages).toEqual([])
    const pack = await project.pack()
    const bin = path.join(project.folder, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const { code, out } = await project.node([bin, pack, '--profile', 'esm-only'])
    expect(code, out).toBe(0)
  }, 120_000)

  test('the entry for the app loads in plain Node, without anything that is only for tests', async () => {
    const names = "console.log(Object.keys(await import('tako-channels')).sort().join())"
    const { out, error } = await project.node(['--input-type=module', '-e', names])
    expect(error).toBe('')
    expect(out.trim().split(',')).toEqual([
      'RejectError',
      'TakoError',
      'createTako',
      'defineChannel',
      'discoverChannels',
      'localErrors',
      'reject',
      'serverErrors',
    ])
  })
})
