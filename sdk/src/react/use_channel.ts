// useChannel: a component's live messages of one channel.
import { useEffect, useInsertionEffect, useState, useSyncExternalStore } from 'react'

import type { Token } from '../client/types.js'
import { TakoError } from '../error.js'
import type { ChannelName, MessagesOf, ParamsOf } from '../registry.js'
import { type ChannelIdentity, type ChannelSettings, ChannelStore } from './channel_store.js'
import { useClientSource } from './context.js'
import { isSame, valueKey } from './value_key.js'
import type { UseChannelArguments, UseChannelOptions, UseChannelResult } from './types.js'

const defaultLimit = 500
/** The most that the server gives in one page. */
const historyMax = 1_000

/**
 * Subscribes to a channel while the component is mounted. Another name, transport or other params
 * (compared by value) are another subscription, with no message of the old one.
 * @param name a channel's name; the registry (`tako-channels generate`) types the rest by it
 * @throws {TakoError} `usage-invalid` for a limit that can't be; failures of the channel itself are
 * in `status` and `error`
 */
export function useChannel<Name extends ChannelName>(
  name: Name,
  ...[options]: UseChannelArguments<Name>
): UseChannelResult<MessagesOf<Name>> {
  // Assignable whatever the name: the name decides only which members are required.
  const given = (options ?? {}) as UseChannelOptions<ChannelName>
  const { enabled = true } = given
  const params = given.params as ParamsOf<Name>
  const settings = settingsOf(given) as ChannelSettings<MessagesOf<Name>>
  const identity: ChannelIdentity = {
    source: useClientSource(given.baseUrl),
    name,
    paramsKey: valueKey(params),
    transport: given.transport,
    lastEventId: given.lastEventId ?? given.lastMessageId,
    resumeOnReload: given.resumeOnReload,
    rewind: given.rewind,
  }

  const makeStore = () =>
    new ChannelStore<Name>(identity, params, settings, enabled ? 'connecting' : 'closed')
  const [kept, setStore] = useState(makeStore)
  let store = kept
  if (!isSame(kept.identity, identity)) {
    // In the render itself, so that no commit shows the old channel's messages for the new one.
    store = makeStore()
    setStore(store)
  }

  // These are part of the commit. The subscription itself is closed and made in effects, which React
  // may run tasks later; a message that comes between must not reach the old channel's callback.
  useInsertionEffect(() => store.adopt(settings))
  useInsertionEffect(() => () => store.detach(), [store])
  const subscribe = enabled ? store.open : store.watch
  const result = useSyncExternalStore(subscribe, store.snapshot, () => store.initial)
  const { token, limit } = settings
  const tokenValue = typeof token === 'function' ? undefined : token
  useEffect(() => store.applySettings(), [store, limit, typeof token, tokenValue])
  return result
}

function settingsOf(options: UseChannelOptions<ChannelName>) {
  const { limit = defaultLimit, historyLimit = 0, onMessage, onGap } = options
  checkCount('limit', limit, Number.MAX_SAFE_INTEGER)
  checkCount('historyLimit', historyLimit, historyMax)
  return {
    limit,
    historyLimit,
    token: tokenOf(options),
    ...(onMessage === undefined ? {} : { onMessage }),
    ...(onGap === undefined ? {} : { onGap }),
  }
}

/** The original's `headers` and `authorization` are other ways to say `token`. */
function tokenOf(options: UseChannelOptions<ChannelName>): Token | undefined {
  if (options.token !== undefined) return options.token
  const header = options.headers?.Authorization ?? options.headers?.authorization
  if (header !== undefined || options.authorization === undefined) return header
  const { authorization } = options
  return /^bearer /i.test(authorization) ? authorization : `Bearer ${authorization}`
}

function checkCount(option: string, value: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return
  throw new TakoError('usage-invalid', `useChannel: ${option} is ${value}`, {
    hint: `Give a whole number from 0 to ${max}.`,
  })
}
