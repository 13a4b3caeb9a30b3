// What concerns this person, over server-sent events: kept for the page's life, with what is unread.
import { createContext, type ReactNode, use, useEffect, useMemo, useState } from 'react'
import type { ChannelMessage, MessagesOf, TakoError } from 'tako-channels'
import type { SubscriptionStatus } from 'tako-channels/client'
import { TakoProvider, useChannel } from 'tako-channels/react'

import { network } from '../network.js'
import { usePath } from '../router.js'
import { useIdentity } from '../session.js'

export type Notification = ChannelMessage<MessagesOf<'notifications'>>

interface FeedState {
  /** Oldest first. */
  readonly notifications: readonly Notification[]
  readonly status: SubscriptionStatus
  readonly error: TakoError | null
  retry(): void
}

export interface Activity extends FeedState {
  readonly unread: number
}

const initial: FeedState = { notifications: [], status: 'connecting', error: null, retry() {} }
const ActivityContext = createContext<Activity | null>(null)

/**
 * The feed has a client of its own: a browser allows six streams to one host, over all its tabs, so
 * the tabs of a person share this one. The rooms' WebSockets have no such limit.
 */
export function ActivityProvider({ children }: { children: ReactNode }) {
  const { identity } = useIdentity()
  const [feed, setFeed] = useState(initial)
  const readAt = useReadAt(identity.name)
  const options = useMemo(
    () => ({ token: identity.token, fetch: network.fetch, shareTabs: true }),
    [identity],
  )
  const value = useMemo(() => {
    const unread = feed.notifications.filter(({ data }) => data.at > readAt).length
    return { ...feed, unread }
  }, [feed, readAt])

  return (
    <ActivityContext value={value}>
      <TakoProvider options={options}>
        <Feed user={identity.name} onChange={setFeed} />
      </TakoProvider>
      {children}
    </ActivityContext>
  )
}

function Feed({ user, onChange }: { user: string; onChange(state: FeedState): void }) {
  const { messages, status, error, retry } = useChannel('notifications', {
    params: { user },
    transport: 'sse',
    lastEventId: '0', // All that is retained: a hundred at most.
    limit: 100,
  })
  useEffect(() => {
    onChange({ notifications: messages, status, error, retry })
  }, [messages, status, error, retry, onChange])
  return null
}

/** Up to when this person has read, ms since 1970; the activity page reads everything. */
function useReadAt(name: string): number {
  const key = `rooms.read.${name}`
  const isReading = usePath() === '/activity'
  const [readAt, setReadAt] = useState(() => Number(localStorage.getItem(key) ?? 0))
  useEffect(() => {
    if (!isReading) return
    return () => {
      const now = Date.now()
      localStorage.setItem(key, String(now))
      setReadAt(now)
    }
  }, [isReading, key])
  return isReading ? Infinity : readAt
}

export function useActivity(): Activity {
  const value = use(ActivityContext)
  if (value === null) throw new Error('useActivity outside of ActivityProvider')
  return value
}
