// Addresses: from a channel's name and params to URLs, and to the key that tells channels apart.
import { TakoError } from '../error.js'
import type { Params } from '../types.js'
import { printJson } from './json.js'

/** A channel as its subscriber names it. */
export interface ChannelAddress {
  readonly name: string
  /** Without undefined members; sorted by name. */
  readonly params: Params
}

/**
 * Checks a name and params as far as the client can.
 * @throws {TakoError} `usage-invalid`
 */
export function channelAddress(name: string, params: Params | undefined): ChannelAddress {
  if (!/^[\w\-.:/=@,;]{1,200}$/.test(name)) {
    throw new TakoError('usage-invalid', `'${name}' is no channel name`, {
      hint: 'A name has 1 to 200 characters of A–Z a–z 0–9 _ - . : / = @ , ;',
    })
  }
  const sorted: Params = {}
  for (const param of Object.keys(params ?? {}).sort()) {
    const value = params?.[param]
    if (value === undefined) continue
    if (param.startsWith('_') || param === 'last_message_id') {
      throw new TakoError('usage-invalid', `'${param}' can't be the name of a param`, {
        hint: 'Names that begin with _ and last_message_id mean something to the server.',
      })
    }
    if (printJson(value) === undefined) {
      throw new TakoError('usage-invalid', `the param '${param}' is nothing that JSON can say`, {
        hint: 'Give a string, a number or a boolean.',
      })
    }
    sorted[param] = value
  }
  return { name, params: sorted }
}

/** Equal for equal addresses. The server's own key may join more: it knows the definition. */
export function addressKey({ name, params }: ChannelAddress): string {
  return `${name}?${JSON.stringify(params)}`
}

/** The path of a channel's route with its query; `options` are the server's own (`_limit`). */
export function channelPath(
  { name, params }: ChannelAddress,
  route: '' | '/messages',
  options: Record<string, string> = {},
): string {
  const query = new URLSearchParams()
  for (const [param, value] of Object.entries(params)) {
    query.set(param, typeof value === 'string' ? value : JSON.stringify(value))
  }
  for (const [option, value] of Object.entries(options)) query.set(option, value)
  const text = query.toString()
  return `/_tako/channels/${encodeURIComponent(name)}${route}${text === '' ? '' : `?${text}`}`
}
