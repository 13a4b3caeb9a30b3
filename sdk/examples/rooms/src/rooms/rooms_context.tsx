// Listens to every room for as long as the page is open: counts what is unread, sends, so that what waits
// for the connection is not lost when one leaves the room, and says in which of them one is.
import { createContext, type ReactNode, use, useEffect, useMemo, useState } from 'react'
import { useSyncExternalStore } from 'react'
import type { MessagesOf } from 'tako-channels'
import { type UseChannelResult, useChannel, usePresence } from 'tako-channels/react'

import { usePath } from '../router.js'
import { useIdentity } from '../session.js'
import { Outbox, type Unsent } from './outbox.js'
import { type RoomName, roomOfPath, rooms } from './rooms.js'
import { useVisible } from './use_visible.js'

type Feed = Pick<UseChannelResult<MessagesOf<'chat'>>, 'send' | 'retry'>

interface Rooms {
  readonly unread: Readonly<Partial<Record<RoomName, number>>>
  readonly outbox: Outbox
  /** Shown at once, sent when there is a connection. */
  say(room: RoomName, text: string): void
  retry(unsent: Unsent): void
  discard(unsent: Unsent): void
  /** Tries to open again what was refused. */
  reopen(): void
}

const RoomsContext = createContext<Rooms | null>(null)

export function RoomsProvider({ children }: { children: ReactNode }) {
  const open = roomOfPath(usePath())
  const [unread, setUnread] = useState<Rooms['unread']>({})
  const [outbox] = useState(() => new Outbox())
  const [feeds] = useState(() => new Map<RoomName, Feed>())

  useEffect(() => {
    if (open !== null) setUnread((counts) => ({ ...counts, [open]: 0 }))
  }, [open])

  const value = useMemo(() => {
    const send = ({ room, key, text, at }: Unsent) => {
      const feed = feeds.get(room)
      if (feed === undefined) return Promise.reject(new Error('this room is not connected'))
      return feed.send('msg', { text, at, key }, { idempotencyKey: key })
    }
    return {
      unread,
      outbox,
      say: (room: RoomName, text: string) => outbox.add(room, text, send),
      retry: ({ key }: Unsent) => outbox.retry(key, send),
      discard: ({ key }: Unsent) => outbox.remove(key),
      reopen: () => feeds.forEach((feed) => feed.retry()),
    }
  }, [unread, outbox, feeds])

  const countUnread = (name: RoomName) => {
    if (name !== open) setUnread((counts) => ({ ...counts, [name]: (counts[name] ?? 0) + 1 }))
  }
  return (
    <RoomsContext value={value}>
      {rooms.map(({ name }) => (
        <RoomFeed
          key={name}
          room={name}
          feeds={feeds}
          isOpen={name === open}
          onKey={(key) => outbox.remove(key)}
          onOther={() => countUnread(name)}
        />
      ))}
      {children}
    </RoomsContext>
  )
}

interface RoomFeedProps {
  room: RoomName
  feeds: Map<RoomName, Feed>
  isOpen: boolean
  /** What was said under this key is there. */
  onKey(key: string): void
  /** Someone else said something. */
  onOther(): void
}

function RoomFeed({ room, feeds, isOpen, onKey, onOther }: RoomFeedProps) {
  const { identity } = useIdentity()
  const isVisible = useVisible()
  // Listening alone would list one in every room.
  usePresence('chat', { params: { room }, enter: isOpen, data: { away: !isVisible } })
  const { send, retry } = useChannel('chat', {
    params: { room },
    limit: 1, // It counts; the room's page keeps the messages.
    onMessage: (message) => {
      if (message.type !== 'msg') return
      if (message.data.key !== undefined) onKey(message.data.key)
      if (message.subject !== identity.name) onOther()
    },
  })
  useEffect(() => {
    feeds.set(room, { send, retry })
    return () => void feeds.delete(room)
  }, [room, send, retry, feeds])
  return null
}

export function useRooms(): Rooms {
  const value = use(RoomsContext)
  if (value === null) throw new Error('useRooms outside of RoomsProvider')
  return value
}

/** What of this room is still on its way. */
export function useUnsent(room: RoomName): readonly Unsent[] {
  const { outbox } = useRooms()
  const items = useSyncExternalStore(outbox.subscribe, outbox.getSnapshot)
  return useMemo(() => items.filter((each) => each.room === room), [items, room])
}
