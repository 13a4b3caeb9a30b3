// The tree speaks of the product alone and reads well: no paths of one machine, a first line that
// says the file's job, no stray white space.

const machinePaths = [
  /(?<![\w.])\/work\/(main|shared|\.library)\b/,
  /(?<![\w.])\/home\/\w+/,
  /(?<![\w.])\/root\/\w+/,
  /(?<![\w.])\/tmp\/b-\w+/,
]
const firstLine = { cc: /^\/\/ \S/, h: /^\/\/ \S/, mjs: /^\/\/ \S/, proto: /^\/\/ \S/,
  ts: /^\/\/ \S/, tsx: /^\/\/ \S/ }

// What must stand even before that, for the system or for a bundler; and code written as users do.
const mustBeFirst = /^(#!|'use client').*\n/
const isFixture = /\/fixtures\//

/** The complaints about one text file: ["path:line: what"]. */
export function hygieneFaults(file, text) {
  const faults = []
  const job = firstLine[file.split('.').pop()]
  if (job && !isFixture.test(file) && !job.test(text.replace(mustBeFirst, ''))) {
    faults.push(`${file}:1: the first line says the file's one job`)
  }
  text.split('\n').forEach((line, index) => {
    if (machinePaths.some((pattern) => pattern.test(line))) {
      faults.push(`${file}:${index + 1}: a path of one machine`)
    }
    if (/[ \t\r]$/.test(line)) faults.push(`${file}:${index + 1}: white space at the end`)
  })
  return faults
}
