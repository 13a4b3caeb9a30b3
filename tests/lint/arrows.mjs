// Dependencies point one way: who may include whom, and who may speak to which library.
// docs/architecture.md draws these arrows; the CMake targets state them a second time.
import path from 'node:path'

import { includesOf } from './tree.mjs'

// Folder -> our folders that it may include beside itself. `proto` is generated code.
const arrows = {
  common: [],
  'common/uv': ['common'],
  'common/http': ['common', 'common/uv'],
  'common/ipc': ['common', 'common/uv', 'proto'],
  'common/config': ['common', 'common/uv', 'common/http'],
  'edge/fanout': ['common'],
  'edge/session': ['common', 'proto', 'edge/fanout'], // What moves to another edge is handoff.proto.
  'edge/adapters': ['common', 'proto', 'edge/fanout', 'edge/session'],
  'edge/server': [
    'common', 'common/uv', 'common/http', 'common/config', 'proto',
    'edge/fanout', 'edge/session', 'edge/adapters',
  ],
  'edge/handoff': ['common', 'common/uv', 'common/http', 'common/config', 'proto', 'edge/server'],
  edge: [
    'common', 'common/uv', 'common/http', 'common/ipc', 'common/config', 'proto',
    'edge/fanout', 'edge/session', 'edge/adapters', 'edge/server', 'edge/handoff',
  ],
  'broker/log': ['common', 'proto'], // What is stored is record.proto.
  'broker/cluster': ['common', 'broker/log'],
  'broker/state': ['common'],
  'broker/channel': ['common', 'broker/log', 'broker/cluster', 'broker/state'],
  // Members that are stored are state.proto.
  'broker/presence': ['common', 'proto', 'broker/state', 'broker/channel'],
  'broker/webhook': ['common', 'broker/state', 'broker/channel', 'broker/presence'],
  'broker/api': [
    'common', 'common/uv', 'common/http', 'common/config',
    'broker/log', 'broker/cluster', 'broker/state', 'broker/channel', 'broker/presence',
  ],
  'broker/inspect': ['common', 'proto', 'broker/log'],
  'broker/takoctl': ['common', 'common/config', 'broker/log', 'broker/inspect'],
  broker: [
    'common', 'common/uv', 'common/http', 'common/ipc', 'common/config', 'proto',
    'broker/log', 'broker/cluster', 'broker/state', 'broker/channel', 'broker/presence', 'broker/webhook',
    'broker/api',
  ],
}

// A library's headers -> the only folders that include them.
const libraries = [
  { name: 'libuv', header: /^uv\.h$|^uv\//, only: ['common/uv'] },
  { name: 'nng', header: /^nng\//, only: ['common/ipc'] },
  { name: 'wslay', header: /^wslay\//, only: ['edge/server'] },
  { name: 'llhttp', header: /^llhttp/, only: ['common/http'] },
  { name: 'cJSON', header: /^(cjson\/)?cJSON\.h$/, only: ['common'] },
  { name: 'RE2', header: /^re2\//, only: ['common'] },
  { name: 'SQLite', header: /^sqlite3/, only: ['broker/state'] },
  { name: 'libsystemd', header: /^systemd\//, only: ['common/config'] },
  { name: 'protobuf', header: /^google\/protobuf\//, only: ['common/ipc', 'edge', 'broker'] },
]

// Too heavy for a header that others include.
const heavy = /^(spdlog|toml\+\+|CLI|google\/protobuf|prometheus|doctest)\//

// A call of the C library, not a member, not a name that merely ends like it.
const calls = [
  { name: 'libuv', pattern: /(?<![\w.>]|\w::)uv_[a-z0-9_]+\s*\(/, only: ['common/uv'] },
  { name: 'nng', pattern: /(?<![\w.>]|\w::)nng_[a-z0-9_]+\s*\(/, only: ['common/ipc'] },
]

// Tests, and what they share: `testing/` of a folder, or a header that says it is for tests.
const isTest = (file) =>
  /_test\.cc$/.test(file) || /(^|\/)testing\//.test(file) || /(^|\/|_)test_\w+\.h$/.test(file)
const productOf = (folder) => folder.replace(/\/testing$/, '')

/** The complaints about one file: ["path:line: what and why"]. */
export function arrowFaults(file, text) {
  const folder = path.dirname(file)
  const faults = []
  const complain = (line, what) => faults.push(`${file}:${line}: ${what}`)
  for (const include of includesOf(text)) checkInclude(file, folder, include, complain)
  if (!folder.startsWith('tests')) checkCalls(folder, text, complain)
  return faults
}

function checkInclude(file, folder, { line, target, isOurs }, complain) {
  if (file.endsWith('.h') && heavy.test(target) && !(isTest(file) && target.startsWith('doctest/'))) {
    complain(line, `<${target}> is too heavy for a header; include it in the .cc`)
  }
  if (folder.startsWith('tests')) return // Whole-system tests see everything.
  const library = libraries.find(({ header }) => header.test(target))
  if (library && !library.only.includes(folder)) {
    complain(line, `only ${library.only.join(', ')} includes ${library.name}`)
  }
  if (!isOurs || library) return
  if (isTest(target) && !isTest(file)) {
    complain(line, `"${target}" is for tests`)
  } else if (!mayInclude(file, folder, path.dirname(target))) {
    complain(line, `${folder} must not include ${path.dirname(target)}/ ("${target}")`)
  }
}

function mayInclude(file, folder, targetFolder) {
  if (isTest(file) && targetFolder === 'tests/support') return true
  const [from, to] = [productOf(folder), productOf(targetFolder)]
  return from === to || (arrows[from] ?? []).includes(to)
}

function checkCalls(folder, text, complain) {
  text.split('\n').forEach((line, index) => {
    const code = line.replace(/\/\/.*$/, '').replace(/"(\\.|[^"\\])*"/g, '""')
    for (const { name, pattern, only } of calls) {
      if (!only.includes(folder) && pattern.test(code)) {
        complain(index + 1, `only ${only.join(', ')} calls ${name}`)
      }
    }
  })
}
