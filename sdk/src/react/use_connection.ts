// useConnection: how the page's connection is, for a line that says "reconnecting".
import { useCallback, useSyncExternalStore } from 'react'

import type { ConnectionStatus } from '../client/types.js'
import { useClientSource } from './context.js'

export interface UseConnectionResult {
  readonly status: ConnectionStatus
}

/** The connection of the nearest provider's client, or of the page's own; `idle` on a server. */
export function useConnection(): UseConnectionResult {
  const source = useClientSource(undefined)
  const subscribe = useCallback((listener: () => void) => source.get().onStatus(listener), [source])
  const read = () => source.current?.status ?? 'idle'
  return { status: useSyncExternalStore(subscribe, read, () => 'idle') }
}
