// Runs slow checks of single files in parallel and skips those whose inputs passed before.
//
// Like ccache, the memory of what passed lives in the user's cache folder and is keyed by content:
// the file, all of our headers that it reaches, the command and the tools' versions.
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

import { includesOf, readTree, root, treeFiles } from './tree.mjs'

const keptDays = 30
const outputBytesMax = 16 * 1024 * 1024
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'tako-lint')

/** The files and every header of ours that they reach; generated code counts as its sources. */
function reachedFiles(files, known) {
  const reached = new Set()
  const waiting = [...files]
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (reached.has(next)) continue
    reached.add(next)
    for (const { target, isOurs } of includesOf(known.get(next))) {
      if (target.endsWith('.pb.h')) waiting.push(...[...known.keys()].filter((each) => each.endsWith('.proto')))
      else if (isOurs && known.has(target)) waiting.push(target)
    }
  }
  return [...reached].sort()
}

/**
 * `jobs`: [{file, command: [program, ...args], files, explain}]: `files` are what the command reads
 * (else `file`), `explain` rewrites the output of a failure. `tools`: programs whose version matters;
 * `config`: files that change the outcome. Resolves with the outputs of those that failed.
 */
export async function runCached(jobs, { tools, config = [] }) {
  mkdirSync(cache, { recursive: true })
  const known = new Map(
    treeFiles().filter((file) => /\.(h|cc|proto)$/.test(file)).map((file) => [file, readTree(file)]),
  )
  const setting = [
    ...tools.map((tool) => execFileSync(tool, ['--version'], { encoding: 'utf8' })),
    ...config.map(readTree),
  ]
  const failures = []
  const waiting = [...jobs]
  let ran = 0
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const mark = path.join(cache, keyOf(job, setting, known))
      if (existsSync(mark)) {
        utimesSync(mark, new Date(), new Date())
        continue
      }
      ran += 1
      const { isGood, output } = await run(job.command)
      if (isGood) writeFileSync(mark, '')
      else failures.push(`${job.file}\n${job.explain?.(output) ?? output}`)
    }
  }
  await Promise.all(Array.from({ length: os.availableParallelism?.() ?? os.cpus().length }, work))
  forgetOld()
  return { failures, ran, known: jobs.length - ran }
}

function keyOf({ file, files = [file], command }, setting, known) {
  const hash = createHash('sha256').update(JSON.stringify([command, setting]))
  for (const each of reachedFiles(files, known)) hash.update(`${each}\0${known.get(each)}\0`)
  return hash.digest('hex')
}

function run([program, ...args]) {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: root, maxBuffer: outputBytesMax }, (failure, stdout, stderr) => {
      resolve({ isGood: !failure, output: `${stdout}${failure ? stderr : ''}` })
    })
  })
}

function forgetOld() {
  const oldest = Date.now() - keptDays * 24 * 3600 * 1000
  for (const name of readdirSync(cache)) {
    const file = path.join(cache, name)
    if (statSync(file).mtimeMs < oldest) unlinkSync(file)
  }
}
