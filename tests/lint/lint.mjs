// `make lint`: runs every check, tells each outcome, ends with `N passed, N failed`.
// Expects build/compile_commands.json and the generated headers (the Makefile sees to both).
import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { arrowFaults } from './arrows.mjs'
import { runCached } from './cached_jobs.mjs'
import { docFaults } from './docs.mjs'
import { hygieneFaults } from './hygiene.mjs'
import { limitTestFaults } from './limit_tests.mjs'
import { isTest, writeTidyUnits } from './tidy_units.mjs'
import { includesOf, isCpp, readTree, root, treeFiles } from './tree.mjs'

const files = treeFiles()
const cpp = files.filter(isCpp)
const texts = files.filter((file) =>
  /\.(h|cc|mjs|js|ts|tsx|sh|md|toml|proto|yml|txt|css|html)$|(^|\/)(Makefile|run|\.gitignore)$/.test(file))

// The compiler's command per source file of ours, without ccache.
const commands = new Map(
  JSON.parse(readFileSync(path.join(root, 'build/compile_commands.json'), 'utf8'))
    .map(({ file, command }) => [path.relative(root, file), command.replaceAll('\\"', '"').split(' ')])
    .filter(([file]) => cpp.includes(file))
    .map(([file, words]) => [file, words[0].endsWith('ccache') ? words.slice(1) : words]),
)

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: 'utf8' })
  if (error) throw error
  return status === 0 ? [] : [`${stdout}${stderr}`]
}

/** The flags of a source: include folders and switches. What follows them is the output and the source. */
function flagsOf(source) {
  const words = commands.get(source)
  return words.slice(1, words.indexOf('-o'))
}

/** The flags of a source beside the header. */
function flagsFor(header) {
  const folder = path.dirname(header)
  const sources = [...commands.keys()]
  return flagsOf(
    sources.find((file) => path.dirname(file) === folder) ??
      sources.find((file) => file.startsWith(`${folder.split('/')[0]}/`)) ??
      sources[0],
  )
}

// doctest's macros cost the analyzer half a minute per file, and a test's own leak shows under Asan.
// A test is not read for its speed, and what one step returns is the next step's business.
const notForTests = [
  '-clang-analyzer-*', '-performance-*', '-bugprone-unused-return-value',
  '-bugprone-implicit-widening-of-multiplication-result', '-bugprone-suspicious-missing-comma',
]
const lessFor = (file) => (isTest(file) ? [`--checks=${notForTests.join(',')}`] : [])

// A header that a source includes first has been compiled alone by the build.
const provenHeaders = new Set([...commands.keys()].map((file) => includesOf(readTree(file))[0]?.target))

const checks = {
  format: () => run('clang-format-19', ['--dry-run', '-Werror', ...cpp]),
  'lint self-test': () => run('node', ['--test', 'tests/lint/']),
  arrows: () => cpp.flatMap((file) => arrowFaults(file, readTree(file))),
  hygiene: () => texts.flatMap((file) => hygieneFaults(file, readTree(file))),
  docs: docFaults,
  'limits are driven': limitTestFaults,
  'scripts parse': () =>
    files.filter((file) => file.endsWith('.mjs')).flatMap((file) => run('node', ['--check', file])),
  'SDK format': () => run('npm', ['--prefix', 'sdk', 'run', '--silent', 'format']),
  'SDK types': () => run('npm', ['--prefix', 'sdk', 'run', '--silent', 'check']),
  'shell parses': () =>
    files
      .filter((file) => file.endsWith('.sh') || file === '.ci/run')
      .flatMap((file) => run('bash', ['-n', file])),
  'lone headers': () =>
    runCached(
      cpp
        .filter((file) => file.endsWith('.h') && !provenHeaders.has(file))
        .map((file) => ({
          file,
          command: ['g++', ...flagsFor(file), '-I.', '-fsyntax-only', '-include', file, '-x', 'c++', '/dev/null'],
        })),
      { tools: ['g++'] },
    ),
  'clang-tidy': () =>
    runCached(
      writeTidyUnits(new Map([...commands.keys()].map((file) => [file, flagsOf(file)]))).map((unit) => ({
        ...unit,
        command: ['clang-tidy-19', '--quiet', ...lessFor(unit.files[0]), unit.file, '--', ...unit.flags],
      })),
      { tools: ['clang-tidy-19'], config: ['.clang-tidy'] },
    ),
}

let passed = 0
let failed = 0
for (const [name, check] of Object.entries(checks)) {
  const started = Date.now()
  const outcome = await check()
  const failures = outcome.failures ?? outcome
  const skipped = outcome.known ? `, ${outcome.known} unchanged` : ''
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  console.log(`${failures.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s${skipped})`)
  for (const failure of failures) console.log(failure)
  if (failures.length === 0) passed += 1
  else failed += 1
}

if (process.env.TAKO_TALLY) appendFileSync(process.env.TAKO_TALLY, `${passed} ${failed}\n`)
else console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
