// A room's channel as its page needs it: the messages from the newest page of history on, older ones when
// they are asked for, and all of it anew when some can't be had any more.
import { useEffect, useMemo, useState } from 'react'
import type { Gap } from 'tako-channels/client'
import { useChannel } from 'tako-channels/react'

import { useIdentity } from '../session.js'
import { tell } from '../shell/story.js'
import { toChatMessages } from './messages.js'
import type { RoomName } from './rooms.js'

const historyLimit = 100

/** `onTyping` hears of everybody else, and that they have stopped. */
export function useRoom(room: RoomName, onTyping: (name: string, isTyping: boolean) => void) {
  const { identity } = useIdentity()
  const [lost, setLost] = useState<{ room: RoomName; gap: Gap } | null>(null)
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
      setLost({ room, gap })
      channel.clear()
      await channel.loadOlder(historyLimit).catch(() => {}) // It can be asked for again.
    },
  })
  // Whoever comes back to a room gets its newest page anyway.
  useEffect(() => setLost(null), [room])

  const messages = useMemo(
    () => toChatMessages(channel.messages, identity.name),
    [channel.messages, identity.name],
  )
  return { ...channel, messages, gap: lost?.room === room ? lost.gap : null }
}
