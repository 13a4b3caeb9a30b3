// usePresence: the shape of who is in a channel, until the server can say it.
import type { ChannelName, NeedsParams, ParamsOf } from '../registry.js'
import type { TakoError } from '../error.js'

/** Someone who is in a channel. */
export interface Member {
  /** Who the app's auth says this is. */
  readonly subject: string
  /** What the member last said of itself. */
  readonly state: unknown
}

export interface UsePresenceResult {
  /** `unsupported`: this version of the server has no presence, and nothing was asked of it. */
  readonly status: 'unsupported' | 'connecting' | 'open' | 'waiting' | 'failed' | 'closed'
  /** Everyone who is there; empty unless `status` is `open` or `waiting`. */
  readonly members: readonly Member[]
  readonly error: TakoError | null
}

type UsePresenceArguments<Name extends ChannelName> =
  NeedsParams<Name> extends true
    ? [options: { params: ParamsOf<Name> }]
    : [options?: { params?: ParamsOf<Name> | undefined }]

const unsupported: UsePresenceResult = Object.freeze({
  status: 'unsupported',
  members: Object.freeze([]),
  error: null,
})

/** Who is in a channel. The server has no presence yet: always `status: 'unsupported'`. */
export function usePresence<Name extends ChannelName>(
  _name: Name,
  ..._options: UsePresenceArguments<Name>
): UsePresenceResult {
  return unsupported
}
