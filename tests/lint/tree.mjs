// What the checks look at: the files of the tree, as git knows them, new ones included.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** Paths from the root, of tracked and of new files that are not ignored. */
export function treeFiles() {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0')
  return [...new Set(listed)].filter((file) => file && existsSync(path.join(root, file))).sort()
}

export const readTree = (file) => readFileSync(path.join(root, file), 'utf8')

export const isCpp = (file) => /\.(h|cc)$/.test(file)

/** The includes of a C++ text: {line, target, isOurs} with `"…"` ours and `<…>` others'. */
export function includesOf(text) {
  const found = []
  text.split('\n').forEach((line, index) => {
    const match = line.match(/^\s*#\s*include\s*(["<])([^">]+)[">]/)
    if (match) found.push({ line: index + 1, target: match[2], isOurs: match[1] === '"' })
  })
  return found
}
