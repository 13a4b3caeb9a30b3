// usePresence, useOccupancy: who is in a channel, and how many.
import { useEffect, useInsertionEffect, useState, useSyncExternalStore } from 'react'

import type { ChannelName, ParamsOf, PresenceOf } from '../registry.js'
import { useClientSource } from './context.js'
import { type PresenceIdentity, PresenceStore } from './presence_store.js'
import type {
  UseOccupancyArguments,
  UseOccupancyResult,
  UsePresenceArguments,
  UsePresenceOptions,
  UsePresenceResult,
} from './types.js'
import { isSame, valueKey } from './value_key.js'

/**
 * Who is in a channel while the component is mounted, itself included, if the app names it a subject.
 * The channel's definition must have `presence`. Shares the connection, and on the server the
 * subscription, with `useChannel` of the same channel.
 */
export function usePresence<Name extends ChannelName>(
  name: Name,
  ...[options]: UsePresenceArguments<Name>
): UsePresenceResult<PresenceOf<Name>> {
  const given = (options ?? {}) as UsePresenceOptions<ChannelName>
  return usePresenceStore(name, given, 'list') as UsePresenceResult<PresenceOf<Name>>
}

/** How many are in a channel, for dashboards and very large rooms. */
export function useOccupancy<Name extends ChannelName>(
  name: Name,
  ...[options]: UseOccupancyArguments<Name>
): UseOccupancyResult {
  const given = (options ?? {}) as UsePresenceOptions<ChannelName>
  const { status, occupancy, count, error } = usePresenceStore(name, given, 'counts')
  return { status, connections: occupancy?.connections ?? null, subjects: count, error }
}

function usePresenceStore(
  name: ChannelName,
  given: UsePresenceOptions<ChannelName>,
  watch: 'list' | 'counts',
): UsePresenceResult<PresenceOf<ChannelName>> {
  const { enabled = true, enter, data, token } = given
  const settings = { enter, data, token }
  const identity: PresenceIdentity = {
    source: useClientSource(given.baseUrl),
    name,
    paramsKey: valueKey(given.params),
    transport: given.transport,
    watch,
  }
  const makeStore = () =>
    new PresenceStore(
      identity,
      given.params as ParamsOf<ChannelName>,
      settings,
      enabled ? 'connecting' : 'closed',
    )
  const [kept, setStore] = useState(makeStore)
  let store = kept
  if (!isSame(kept.identity, identity)) {
    store = makeStore()
    setStore(store)
  }
  useInsertionEffect(() => store.adopt(settings))
  const result = useSyncExternalStore(
    enabled ? store.open : store.watch,
    store.snapshot,
    () => store.initial,
  )
  useEffect(() => store.applySettings(), [store, valueKey([enter, data])])
  return result
}
