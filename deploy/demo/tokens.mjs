// Demo identities: a name, signed, so that the authorize callback can believe it.
// There is no password: whoever asks for a name gets it. A real app has its own sessions here.
import { createHmac, timingSafeEqual } from 'node:crypto'

const nameLengthMax = 24

export class Tokens {
  #key

  /** The key comes from the shared secret, so tokens outlive a restart of the demo app. */
  constructor(secret) {
    this.#key = createHmac('sha256', secret).update('demo tokens').digest()
  }

  issue(name) {
    const encoded = Buffer.from(cleanName(name)).toString('base64url')
    return `${encoded}.${this.#sign(encoded)}`
  }

  /** The name behind a token; null when it is not one of ours. */
  verify(token) {
    const [encoded, signature, rest] = String(token ?? '').split('.')
    if (!encoded || !signature || rest !== undefined) return null
    const expected = Buffer.from(this.#sign(encoded))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
    return Buffer.from(encoded, 'base64url').toString()
  }

  #sign(text) {
    return createHmac('sha256', this.#key).update(text).digest('base64url')
  }
}

export function cleanName(name) {
  const printable = String(name ?? '').replace(/[^\p{L}\p{N} ._-]/gu, '').trim()
  return [...printable].slice(0, nameLengthMax).join('') || 'guest'
}
