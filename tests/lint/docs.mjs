// The documents are held to the code: every limit with its default, every key, error code and
// metric has its row, and no row tells of something that is gone.
import { readTree, treeFiles } from './tree.mjs'

const units = [
  [/_bytes(_|$)|memory/, bytesText],
  [/_ms(_|$)/, (value) => `${grouped(value)} ms`],
  [/./, grouped],
]

function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

function bytesText(value) {
  for (const [name, size] of [['MiB', 1024 * 1024], ['KiB', 1024]]) {
    if (value % size === 0) return `${grouped(value / size)} ${name}`
  }
  return `${grouped(value)} B`
}

/** kName -> number, from `inline constexpr T kName = <product of numbers and earlier names>;` */
function constantsOf(text) {
  const known = new Map()
  for (const [, name, expression] of text.matchAll(/constexpr [\w:]+ (k\w+) =\s*([^;]+);/g)) {
    const factors = expression.split('*').map((each) => {
      const word = each.trim().replace(/'/g, '').replace(/[uUlL]+$/, '')
      return known.get(word) ?? Number(word)
    })
    known.set(name, factors.reduce((product, factor) => product * factor, 1))
  }
  return known
}

/** name -> its constant in limits.h, of every bound that has a counter. */
export function limitConstants(runtimeText, countersText) {
  const configurable = new Map(
    [...runtimeText.matchAll(/ (\w+) = limits::(k\w+);/g)].map(([, name, constant]) => [name, constant]),
  )
  const pascal = (name) => name.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase())
  return new Map(
    [...countersText.matchAll(/X\((\w+)\)/g)].map(([, name]) => [name, configurable.get(name) ?? `k${pascal(name)}`]),
  )
}

/** name -> how its default reads, of every bound that has a counter. */
export function limitDefaults(limitsText, runtimeText, countersText) {
  const constants = constantsOf(limitsText)
  return new Map(
    [...limitConstants(runtimeText, countersText)].map(([name, constant]) => {
      const [, print] = units.find(([pattern]) => pattern.test(name))
      return [name, print(constants.get(constant))]
    }),
  )
}

/** First cells in backquotes -> second cells, of all tables of a document. */
function rowsOf(text) {
  return new Map([...text.matchAll(/^\| `([^`]+)` \| ([^|]*) \|/gm)].map(([, name, next]) => [name, next.trim()]))
}

function limitFaults() {
  const defaults = limitDefaults(
    ...['limits', 'runtime_limits', 'limit_counters'].map((name) => readTree(`common/${name}.h`)),
  )
  const rows = rowsOf(readTree('docs/limits.md'))
  const faults = []
  for (const [name, text] of defaults) {
    if (!rows.has(name)) faults.push(`docs/limits.md: no row for \`${name}\``)
    else if (rows.get(name) !== text) faults.push(`docs/limits.md: \`${name}\` is ${text}, not ${rows.get(name)}`)
  }
  for (const name of rows.keys()) {
    if (!defaults.has(name)) faults.push(`docs/limits.md: \`${name}\` is no limit with a counter`)
  }
  return faults
}

/** Complains about each name of `names` that the document does not have in backquotes. */
function missing(document, what, names) {
  const text = readTree(document)
  return [...new Set(names)]
    .filter((name) => !text.includes(`\`${name}\``))
    .map((name) => `${document}: no word of the ${what} \`${name}\``)
}

const matches = (file, pattern) => [...readTree(file).matchAll(pattern)].map(([, ...groups]) => groups)

export function docFaults() {
  const keys = matches('common/config/keys.cc', /\{"(\w*)",\s*"(\w+)",\s*(?:Users::|broker|edge)/g)
    .map(([section, name]) => (section ? `${section}.${name}` : name))
  const appKeys = matches('common/config/keys.cc', /\{"(\w+)",\s*Users::\w+,\s*"/g).flat()
  const options = matches('common/config/keys.cc', /"(--[\w-]+)"/g).flat()
  const codes = matches('common/error.cc', /ErrorInfo\{\w+, "([^"]+)"/g).flat()
  const metrics = treeFiles()
    .filter((file) => /_metrics\.cc$|config\/metrics\.cc$/.test(file))
    .flatMap((file) => matches(file, /"((?:tako|process)_\w+)"/g).flat())
  return [
    ...limitFaults(),
    ...missing('docs/configuration.md', 'key', [...keys, ...appKeys]),
    ...missing('docs/configuration.md', 'option', options),
    ...missing('docs/protocol.md', 'error code', codes),
    ...missing('docs/operations.md', 'metric', metrics),
  ]
}
