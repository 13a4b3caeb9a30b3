// From what an app's verify returned to what the edge is answered: checked, and never a yes by mistake.
import { TakoError } from '../error.js'
import type { Grant, Right } from '../define/types.js'

const subjectBytesMax = 256 // subject_max of docs/limits.md
const rights: readonly Right[] = ['subscribe', 'publish', 'presence', 'history']

const checks: Record<keyof Grant, (value: unknown) => string | null> = {
  subject: (value) =>
    typeof value === 'string' && Buffer.byteLength(value) <= subjectBytesMax
      ? null
      : `must be a string of at most ${subjectBytesMax} bytes`,
  expiresAt: (value) => milliseconds(value, 0) ?? notInSeconds(value as number),
  ttlMs: (value) => milliseconds(value, 0),
  keepaliveIntervalMs: (value) => milliseconds(value, 1),
  maxConnectionLifetimeMs: (value) => milliseconds(value, 1),
  rights: (value) =>
    Array.isArray(value) && value.every((right) => rights.includes(right))
      ? null
      : `must be a list of ${rights.join(', ')}`,
  presence: (value) => (isJson(value) ? null : 'must be a value that JSON can say'),
}

/**
 * The grant to answer with, or null: refused.
 * @throws {TakoError} `usage-invalid`: it is neither, so that nobody is let in by a slip
 */
export function readVerdict(verdict: unknown): Grant | null {
  if (verdict === false || verdict === null || verdict === undefined) return null
  if (verdict === true) return {}
  if (typeof verdict !== 'object' || Array.isArray(verdict)) {
    throw refuse(`returned ${Array.isArray(verdict) ? 'a list' : `a ${typeof verdict}`}`)
  }
  const grant: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(verdict)) {
    if (value === undefined || value === null) continue
    if (name === 'ok' && value === false) return null
    if (name === 'ok' && value === true) continue
    if (!Object.hasOwn(checks, name)) throw refuse(`returned the unknown member '${name}'`)
    const wrong = checks[name as keyof Grant](value)
    if (wrong !== null) throw refuse(`returned a grant whose ${name} ${wrong}`)
    grant[name] = value
  }
  return grant
}

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false // A cycle, a bigint.
  }
}

function milliseconds(value: unknown, least: number): string | null {
  if (Number.isSafeInteger(value) && (value as number) >= least) return null
  return `must be a whole number of ms, ${least} or more`
}

// A token's `exp` is in seconds. As ms it would be January 1970: everyone would be refused, and
// nothing would say why.
function notInSeconds(value: number): string | null {
  return value > 0 && value < 1e11 ? 'seems to be in seconds; it is ms since 1970' : null
}

function refuse(what: string): TakoError {
  return new TakoError('usage-invalid', `verify ${what}`, {
    hint: `Return false to refuse, or true, or { ${Object.keys(checks).join(', ')} }.`,
  })
}
