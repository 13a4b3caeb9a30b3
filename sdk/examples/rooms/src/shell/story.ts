// What happened to the connection, newest first: kept for the page's whole life.
import { useEffect, useRef, useSyncExternalStore } from 'react'
import type { ConnectionStatus } from 'tako-channels/client'

interface Entry {
  readonly id: number
  /** Ms since 1970. */
  readonly at: number
  readonly text: string
}

const entriesMax = 30

let entries: readonly Entry[] = []
let lastId = 0
const listeners = new Set<() => void>()

export function tell(text: string): void {
  entries = [{ id: ++lastId, at: Date.now(), text }, ...entries].slice(0, entriesMax)
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useStory(): readonly Entry[] {
  return useSyncExternalStore(subscribe, () => entries)
}

/** Tells the story of a connection as its status changes. */
export function useTellStatus(status: ConnectionStatus): void {
  const last = useRef<ConnectionStatus>('idle')
  useEffect(() => {
    const before = last.current
    if (before === status) return
    last.current = status
    if (status === 'open') tell('Connected')
    if (status === 'waiting' && before === 'open') tell('The connection was lost')
    if (status === 'waiting' && before === 'connecting') tell('No connection yet; trying again')
  }, [status])
}
