// The signature of webhooks: HMAC-SHA256 over time and body, with the app's secret (docs/protocol.md 8).
import { createHmac, timingSafeEqual } from 'node:crypto'

/** A signature of another time is a repeat by someone who listened, or a clock that is wrong. */
export const ageMaxMs = 5 * 60 * 1000

export interface Signature {
  readonly timeMs: number
  /** Hex. */
  readonly mac: string
}

/** From `t=<ms>,v1=<hex>`; members of a newer server are passed over. Null for what is none. */
export function parseSignature(header: string | null | undefined): Signature | null {
  const fields = new Map((header ?? '').split(',').map((field) => split(field.trim())))
  const [time, mac] = [fields.get('t') ?? '', fields.get('v1') ?? '']
  if (!/^\d{1,15}$/.test(time) || !/^[0-9a-f]{64}$/.test(mac)) return null
  return { timeMs: Number(time), mac }
}

export function isRecent({ timeMs }: Signature, nowMs: number): boolean {
  return Math.abs(nowMs - timeMs) <= ageMaxMs
}

/** `body` is exactly what came, before anyone parsed it. */
export function isSignedBy(secret: string, { timeMs, mac }: Signature, body: string): boolean {
  const right = createHmac('sha256', secret).update(`${timeMs}.${body}`).digest()
  return timingSafeEqual(right, Buffer.from(mac, 'hex'))
}

function split(field: string): [string, string] {
  const at = field.indexOf('=')
  return [field.slice(0, at), field.slice(at + 1)]
}
