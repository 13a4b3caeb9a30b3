// What was said while this tab had no connection: where it begins, and how much it is.
import { useEffect, useRef, useState } from 'react'
import type { SubscriptionStatus } from 'tako-channels/client'

import type { ChatMessage } from './messages.js'

export interface Away {
  /** The first message that was missed. */
  readonly firstId: string
  readonly count: number
  /** The list no longer reaches back to where it begins: there were more. */
  readonly isMore: boolean
}

interface Span {
  /** The last message seen before; null when there was none. */
  readonly afterId: string | null
  /** When the connection was back; null while it is not. */
  readonly until: number | null
}

/** Null when nothing was missed since the room was opened. */
export function useAway(
  room: string,
  status: SubscriptionStatus,
  messages: readonly ChatMessage[],
): Away | null {
  const [span, setSpan] = useState<Span | null>(null)
  const lastId = useRef<string | null>(null)
  const wasOpen = useRef(false)

  useEffect(() => {
    wasOpen.current = false
    setSpan(null)
  }, [room])

  useEffect(() => {
    if (status === 'open') {
      setSpan((now) => (now?.until === null ? { ...now, until: Date.now() } : now))
    } else if (wasOpen.current) {
      const afterId = lastId.current
      setSpan((now) => (now?.until === null ? now : { afterId, until: null }))
    }
    wasOpen.current = status === 'open'
  }, [status])

  // Behind the effect above: it sees what was there before the connection was lost.
  useEffect(() => {
    lastId.current = messages.at(-1)?.id ?? null
  }, [messages])

  return span === null ? null : missed(span, messages)
}

function missed({ afterId, until }: Span, messages: readonly ChatMessage[]): Away | null {
  if (until === null) return null
  const from = messages.findIndex(({ id }) => id === afterId) + 1
  const those = messages.slice(from).filter(({ isOwn, at }) => !isOwn && at !== null && at < until)
  const firstId = those[0]?.id
  const isMore = from === 0 && afterId !== null
  return firstId === undefined ? null : { firstId, count: those.length, isMore }
}
