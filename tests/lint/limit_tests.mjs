// Every constant of limits.h is a bound with a counter, or says that it is none; and every bound is
// driven by a test: one that is named after it, and reads the counter of the process that holds it.
import { limitConstants } from './docs.mjs'
import { readTree, treeFiles } from './tree.mjs'

/** Bounds that no running process can be asked about -> the test of the engine that holds them. */
const drivenInside = new Map([
  ['handoff_link_ms', 'edge/handoff/handoff_test.cc'], // Its process ends: nobody can ask it.
  ['link_leave_ms', 'broker/link_server_test.cc'], // Likewise.
])

const units = ['kKiB', 'kMiB']
const noBounds = '// No bounds:'
const noBoundsList = '## Constants that are no bounds'

const constantsIn = (text) => [...text.matchAll(/constexpr [\w:]+ (k\w+) =/g)].map(([, name]) => name)

/** `counted`: the constants that have a counter; `documentText`: docs/limits.md. */
export function uncountedConstants(limitsText, counted, documentText) {
  const [bounds, plain = ''] = limitsText.split(noBounds)
  const [, list = ''] = documentText.split(noBoundsList)
  const listed = [...list.matchAll(/^- `(k\w+)`/gm)].map(([, name]) => name)
  const claimed = constantsIn(plain)
  return [
    ...constantsIn(bounds)
      .filter((name) => !units.includes(name) && !counted.includes(name))
      .map((name) => `common/limits.h: \`${name}\` has no counter, and does not stand under "${noBounds}"`),
    ...claimed
      .filter((name) => counted.includes(name))
      .map((name) => `common/limits.h: \`${name}\` has a counter, and stands under "${noBounds}"`),
    ...claimed
      .filter((name) => !listed.includes(name))
      .map((name) => `docs/limits.md: \`${name}\` is not in "${noBoundsList}"`),
    ...listed
      .filter((name) => !claimed.includes(name))
      .map((name) => `docs/limits.md: \`${name}\` does not stand under "${noBounds}" in common/limits.h`),
  ]
}

/** `tests`: the texts of tests/behaviour/limits_*_test.cc. A test may be named `one and other`. */
export function undrivenLimits(names, tests) {
  const text = tests.join('\n')
  const titles = [...text.matchAll(/^TEST_CASE\("([^"]+)"/gm)].flatMap(([, title]) => title.split(' and '))
  const isRead = (name) => text.includes(`edge_hits(tako, "${name}"`) || text.includes(`broker_hits(tako, "${name}"`)
  return [
    ...names.filter((name) => !titles.includes(name)).map((name) => `no limits test is named \`${name}\``),
    ...names.filter((name) => !isRead(name)).map((name) => `no limits test reads the counter of \`${name}\``),
    ...titles.filter((name) => !names.includes(name)).map((name) => `\`${name}\` has a test and is no limit`),
  ]
}

export function limitTestFaults() {
  const constants = limitConstants(readTree('common/runtime_limits.h'), readTree('common/limit_counters.h'))
  const names = [...constants.keys()]
  const tests = treeFiles().filter((file) => /^tests\/behaviour\/limits_\w+_test\.cc$/.test(file))
  const unread = [...drivenInside].filter(([name, file]) => !readTree(file).includes(`counters.${name} ==`))
  return [
    ...uncountedConstants(readTree('common/limits.h'), [...constants.values()], readTree('docs/limits.md')),
    ...undrivenLimits(names.filter((name) => !drivenInside.has(name)), tests.map(readTree)),
    ...unread.map(([name, file]) => `${file}: does not drive \`${name}\``),
  ]
}
