// Every bound with a counter is driven by a test: one that is named after it and reads the counter.
import { readTree, treeFiles } from './tree.mjs'

/** Bounds that no process of this version reaches -> the test of the engine that holds them. */
const drivenInside = new Map([['older_epochs_max', 'broker/log/log_engine_contract_test.cc']])

/** `tests`: the texts of tests/behaviour/limits_*_test.cc. A test may be named `one and other`. */
export function undrivenLimits(names, tests) {
  const text = tests.join('\n')
  const titles = [...text.matchAll(/^TEST_CASE\("([^"]+)"/gm)].flatMap(([, title]) => title.split(' and '))
  const isRead = (name) => text.includes(`(tako, "${name}"`) || text.includes(`limit=\\"${name}\\"`)
  return [
    ...names.filter((name) => !titles.includes(name)).map((name) => `no limits test is named \`${name}\``),
    ...names.filter((name) => !isRead(name)).map((name) => `no limits test reads the counter of \`${name}\``),
    ...titles.filter((name) => !names.includes(name)).map((name) => `\`${name}\` has a test and is no limit`),
  ]
}

export function limitTestFaults() {
  const names = [...readTree('common/limit_counters.h').matchAll(/X\((\w+)\)/g)].map(([, name]) => name)
  const tests = treeFiles().filter((file) => /^tests\/behaviour\/limits_\w+_test\.cc$/.test(file))
  const unread = [...drivenInside].filter(([name, file]) => !readTree(file).includes(`counters.${name} ==`))
  return [
    ...undrivenLimits(names.filter((name) => !drivenInside.has(name)), tests.map(readTree)),
    ...unread.map(([name, file]) => `${file}: does not drive \`${name}\``),
  ]
}
