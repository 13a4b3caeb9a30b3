// A channel with its params, as a key for people and as a path of the app API.
import type { Params } from '../types.js'

export interface Target {
  readonly channel: string
  readonly params: Params
}

/** `chat?roomId=42`: for logs; names in order. */
export function keyOf({ channel, params }: Target): string {
  const query = encodeParams(params)
  return query === '' ? channel : `${channel}?${query}`
}

/** The path of one of a channel's resources; `more` are the pairs that begin with `_`. */
export function pathOf(
  { channel, params }: Target,
  resource: string,
  more: Record<string, string | number | undefined> = {},
): string {
  const query = [encodeParams(params), encodeParams(more)].filter((part) => part !== '').join('&')
  const path = `/v1/channels/${encodeURIComponent(channel)}/${resource}`
  return query === '' ? path : `${path}?${query}`
}

/**
 * Params as a query: sorted; undefined and null are left out; what is no string, number or boolean is
 * JSON text.
 */
export function encodeParams(params: Params): string {
  const query = new URLSearchParams()
  for (const name of Object.keys(params).sort()) {
    const value = params[name]
    if (value === undefined || value === null) continue
    query.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  }
  return query.toString()
}
