// A project of somebody else's, with this package built and installed, for tests of what they get.
import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const sdk = fileURLToPath(new URL('../..', import.meta.url))
const tsc = path.join(sdk, 'node_modules/typescript/bin/tsc')

export interface Ended {
  code: number
  out: string
  error: string
}

export class Project {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'tako-project-'))
  readonly package = path.join(this.folder, 'node_modules/tako-channels')

  /** Builds the package and installs it, beside all that its own checkout has installed. */
  static async create(): Promise<Project> {
    const project = new Project()
    const modules = path.join(project.folder, 'node_modules')
    mkdirSync(project.package, { recursive: true })
    for (const name of readdirSync(path.join(sdk, 'node_modules'))) {
      if (name.startsWith('.') || name === 'tako-channels') continue
      symlinkSync(path.join(sdk, 'node_modules', name), path.join(modules, name))
    }
    cpSync(path.join(sdk, 'package.json'), path.join(project.package, 'package.json'))
    const dist = path.join(project.package, 'dist')
    const built = await node([tsc, '-p', 'tsconfig.build.json', '--outDir', dist], sdk)
    if (built.code !== 0) throw new Error(`the package does not build: ${built.out}`)
    project.write('package.json', JSON.stringify({ type: 'module' }))
    return project
  }

  write(file: string, text: string): void {
    const target = path.join(this.folder, file)
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, text)
  }

  /** Copies a folder of test/fixtures into the project, under its own name. */
  addFixture(name: string): void {
    const target = path.join(this.folder, name)
    cpSync(path.join(sdk, 'test/fixtures', name), target, { recursive: true })
  }

  /** Runs Node in the project's folder, or in one inside it. */
  node(args: string[], env: Record<string, string> = {}, inside = ''): Promise<Ended> {
    return node(args, path.join(this.folder, inside), env)
  }

  /** Runs `tako-channels`. */
  cli(args: string[], env: Record<string, string> = {}, inside = ''): Promise<Ended> {
    return this.node([path.join(this.package, 'dist/cli/main.js'), ...args], env, inside)
  }

  /** What the compiler says of the tsconfig.json there; empty when all is well. */
  async compile(inside = ''): Promise<string> {
    const { out } = await this.node([tsc, '-p', '.', '--noEmit'], {}, inside)
    return out
  }

  /** The package as a tarball, as it would be published; its path. */
  async pack(): Promise<string> {
    const npm = ['pack', '--json', '--ignore-scripts', '--pack-destination', this.folder]
    const { code, out, error } = await execute('npm', npm, this.package)
    if (code !== 0) throw new Error(error)
    return path.join(this.folder, JSON.parse(out)[0].filename)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function node(args: string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  return execute(process.execPath, args, cwd, env)
}

function execute(
  program: string,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env } }
    execFile(program, args, options, (failure, out, error) => {
      const code = failure === null ? 0 : Number(failure.code ?? 1)
      resolve({ code, out, error })
    })
  })
}
