// What clang-tidy is run on. Most of its time goes into the common headers, so up to eight files of a
// module are read as one, just as the sanitizers' builds compile them: a fifth of the time.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { readTree, root } from './tree.mjs'

const folder = 'build/lint'
const filesMax = 8 // CMAKE_UNITY_BUILD_BATCH_SIZE

export const isTest = (file) => /^tests\/|_test\.cc$/.test(file)

/** Programs of one file may name things as others do: each main.cc, and most of tests/. */
const isProgram = (file) => /(^|\/)main\.cc$|^tests\/.*_(test|fuzz|bench|main)\.cc$/.test(file)

function groupOf(file, flags) {
  if (isProgram(file)) return file
  return JSON.stringify([path.dirname(file), isTest(file), flags])
}

/** Chunks of files that are read as one: [{files, flags}]. `flagsOf`: file -> its compiler flags. */
function chunks(flagsOf) {
  const groups = new Map()
  for (const [file, flags] of [...flagsOf].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const key = groupOf(file, flags)
    const group = groups.get(key) ?? groups.set(key, []).get(key)
    if (group.length === 0 || group.at(-1).files.length === filesMax) group.push({ files: [], flags })
    group.at(-1).files.push(file)
  }
  return [...groups.values()].flat()
}

/** Text of one unit, not #includes: the analyzer looks along paths in the main file only. */
export function joined(texts) {
  const starts = []
  let line = 1
  for (const text of texts) {
    starts.push(line)
    line += text.split('\n').length - 1
  }
  return { text: texts.join(''), starts }
}

/** `unit:LINE:` in a tool's output becomes the file and its own line. */
export function inItsFile(output, unit, files, starts) {
  const place = new RegExp(`(?:[^\\s:]*/)?${unit.replace(/[.]/g, '\\.')}:(\\d+):`, 'g')
  return output.replace(place, (_, number) => {
    const index = starts.findLastIndex((start) => start <= Number(number))
    return `${files[index]}:${Number(number) - starts[index] + 1}:`
  })
}

/** Writes the units: [{file, files, flags, explain}]; `explain` makes an output speak of the files. */
export function writeTidyUnits(flagsOf) {
  rmSync(path.join(root, folder), { recursive: true, force: true })
  mkdirSync(path.join(root, folder), { recursive: true })
  return chunks(flagsOf).map(({ files, flags }, index) => {
    if (files.length === 1) return { file: files[0], files, flags, explain: (output) => output }
    const file = `${folder}/${path.dirname(files[0]).replaceAll('/', '_')}_${index}.cc`
    const { text, starts } = joined(files.map(readTree))
    writeFileSync(path.join(root, file), text)
    return { file, files, flags, explain: (output) => inItsFile(output, file, files, starts) }
  })
}
