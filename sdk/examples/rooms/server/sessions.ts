// Sessions: a name and a time, signed, so that the channels' auth can believe them.
// There is no password: whoever asks for a name gets it. A real app has its own sessions here.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const nameLengthMax = 24
// Short, so that a name that is taken back is gone soon; an open page renews it in place.
const defaultLifetimeMs = 2 * 60 * 1000

export interface Session {
  /** Who it is; stamped on what they say. */
  subject: string
  /** Ms since 1970; the client is asked for a new token before. */
  expiresAt: number
}

// From the environment, so that sessions outlive a restart of this server.
const key = createHmac('sha256', process.env.SESSION_KEY ?? randomBytes(32))
  .update('sessions of the rooms app')
  .digest()
const lifetimeMs = Number(process.env.SESSION_LIFETIME_MS ?? defaultLifetimeMs)

/** A token for this name, and when it ends. */
export function issueSession(name: unknown): Session & { token: string } {
  const session = { subject: cleanName(name), expiresAt: Date.now() + lifetimeMs }
  const encoded = Buffer.from(JSON.stringify(session)).toString('base64url')
  return { ...session, token: `${encoded}.${sign(encoded)}` }
}

/** The session behind a token; false when it is not one of ours, or over. */
export function verifySession(token: string | undefined): Session | false {
  const [encoded, signature, rest] = (token ?? '').split('.')
  if (!encoded || !signature || rest !== undefined) return false
  const expected = Buffer.from(sign(encoded))
  const given = Buffer.from(signature)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false
  const session = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as Session
  return session.expiresAt > Date.now() && session
}

function sign(text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function cleanName(name: unknown): string {
  const printable = String(name ?? '')
    .replace(/[^\p{L}\p{N} ._-]/gu, '')
    .trim()
  return [...printable].slice(0, nameLengthMax).join('') || 'Guest'
}
