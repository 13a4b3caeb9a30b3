// Type checks sources that need not exist as files, as a program of their own.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * What the compiler says, `<file>:<line>: <text>` each.
 * @param files paths relative to the package, with their text where there is no such file. They import
 * the package by its name.
 */
export function typeErrors(files: Record<string, string | undefined>): string[] {
  const config = ts.getParsedCommandLineOfConfigFile(path.join(root, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
    },
  })
  const paths = {
    'tako-channels': [path.join(root, 'src/index.ts')],
    'tako-channels/client': [path.join(root, 'src/client/index.ts')],
    'tako-channels/react': [path.join(root, 'src/react/index.ts')],
  }
  const options = { ...config?.options, paths, noEmit: true }
  const host = ts.createCompilerHost(options)
  const texts = new Map(Object.entries(files).map(([name, text]) => [path.join(root, name), text]))
  const { directoryExists, fileExists, readFile } = host
  host.directoryExists = (name) =>
    [...texts.keys()].some((file) => file.startsWith(`${name}/`)) ||
    directoryExists?.(name) === true
  host.fileExists = (name) => texts.has(name) || fileExists(name)
  host.readFile = (name) => texts.get(name) ?? readFile(name)
  const program = ts.createProgram([...texts.keys()], options, host)
  // The package's sources are checked elsewhere, with the empty registry that they are written for;
  // an installed one is declarations.
  const isOurs = (name: string) => name.startsWith(path.join(root, 'src'))
  const found = ts.getPreEmitDiagnostics(program)
  const others = found.filter(({ file }) => file === undefined || !isOurs(file.fileName))
  return others.map(({ file, start = 0, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n')
    if (file === undefined) return text
    const line = file.getLineAndCharacterOfPosition(start).line + 1
    return `${path.relative(root, file.fileName)}:${line}: ${text}`
  })
}
