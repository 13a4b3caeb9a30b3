// A room's channel as its page needs it: the messages from the newest page of history on, and from
// anew when some of them can't be had any more.
import { useEffect, useMemo, useState } from 'react'
import type { ChannelMessage, MessagesOf } from 'tako-channels'
import type { Gap } from 'tako-channels/client'
import { useChannel } from 'tako-channels/react'

import { useIdentity } from '../session.js'
import { tell } from '../shell/story.js'
import { toChatMessages } from './messages.js'
import type { RoomName } from './rooms.js'

const historyLimit = 100

type Message = ChannelMessage<MessagesOf<'chat'>>

interface Reloaded {
  readonly room: RoomName
  readonly gap: Gap
  readonly messages: readonly Message[]
}

/** `onTyping` hears of everybody else, and that they have stopped. */
export function useRoom(room: RoomName, onTyping: (name: string, isTyping: boolean) => void) {
  const { identity } = useIdentity()
  const [reloaded, setReloaded] = useState<Reloaded | null>(null)
  const channel = useChannel('chat', {
    params: { room },
    historyLimit,
    onMessage: (message) => {
      if (message.subject === undefined || message.subject === identity.name) return
      onTyping(message.subject, message.type === 'typing' && message.data.typing)
    },
    // What comes behind the gap is held back until this is done.
    onGap: async (gap) => {
      tell(`#${room}: some messages are gone (${gap.reason})`)
      try {
        const page = await channel.history({ limit: historyLimit })
        channel.clear()
        setReloaded({ room, gap, messages: page.messages })
      } catch {
        setReloaded({ room, gap, messages: [] }) // What is there stays; that some is missing is told.
      }
    },
  })
  // Whoever comes back to a room gets its newest page anyway.
  useEffect(() => setReloaded(null), [room])

  const before = reloaded?.room === room ? reloaded : null
  const messages = useMemo(
    () => toChatMessages(follow(before?.messages ?? [], channel.messages), identity.name),
    [before, channel.messages, identity.name],
  )
  return { ...channel, messages, gap: before?.gap ?? null }
}

/** The page, and those that it does not hold. */
function follow(page: readonly Message[], live: readonly Message[]): readonly Message[] {
  const known = new Set(page.map(({ id }) => id))
  return [...page, ...live.filter(({ id }) => id === undefined || !known.has(id))]
}
