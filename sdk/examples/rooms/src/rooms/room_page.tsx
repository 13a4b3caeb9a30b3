// One room: what was said, who types, and where one writes.
import { useCallback, useMemo } from 'react'
import type { Gap } from 'tako-channels/client'
import { useChannel } from 'tako-channels/react'

import { onLinkClick } from '../router.js'
import { useIdentity } from '../session.js'
import { tell } from '../shell/story.js'
import { Composer } from './composer.js'
import { MessageList } from './message_list.js'
import { toChatMessages } from './messages.js'
import { type RoomName, rooms } from './rooms.js'
import { useRooms, useUnsent } from './rooms_context.js'
import { TypingLine } from './typing_line.js'
import { useTypists } from './typing.js'
import { useAway } from './use_away.js'

const historyLimit = 100

export function RoomPage({ room }: { room: RoomName }) {
  const { identity } = useIdentity()
  const { say, retry } = useRooms()
  const { typists, note } = useTypists(room)
  const channel = useChannel('chat', {
    params: { room },
    historyLimit,
    onMessage: (message) => {
      if (message.subject === undefined || message.subject === identity.name) return
      note(message.subject, message.type === 'typing' && message.data.typing)
    },
    onGap: (gap) => tell(`#${room}: some messages are gone (${gap.reason})`),
  })
  const messages = useMemo(
    () => toChatMessages(channel.messages, identity.name),
    [channel.messages, identity.name],
  )
  const unsent = useUnsent(room)
  const away = useAway(room, channel.status, messages)
  const { send } = channel
  const tellTyping = useCallback(
    // Nobody misses it when it fails: it is of interest only now.
    (typing: boolean) => void send('typing', { typing }).catch(() => {}),
    [send],
  )
  const topic = rooms.find(({ name }) => name === room)?.topic

  return (
    <section className="room" aria-label={`Room ${room}`}>
      <header className="page-head">
        <div>
          <h1># {room}</h1>
          <p className="soft">{topic}</p>
        </div>
        <nav className="chips" aria-label="Rooms">
          {rooms.map(({ name }) => (
            <RoomChip key={name} room={name} isCurrent={name === room} />
          ))}
        </nav>
      </header>
      {channel.gap !== null && <GapNote gap={channel.gap} />}
      <MessageList
        key={room}
        room={room}
        messages={messages}
        unsent={unsent}
        away={away}
        status={channel.status}
        error={channel.error}
        onRetry={retry}
        onRetryRoom={channel.retry}
      />
      <TypingLine names={typists} />
      <Composer room={room} onSay={(text) => say(room, text)} onTyping={tellTyping} />
    </section>
  )
}

function RoomChip({ room, isCurrent }: { room: RoomName; isCurrent: boolean }) {
  const { unread } = useRooms()
  const count = unread[room] ?? 0
  return (
    <a
      className="chip"
      href={`/rooms/${room}`}
      onClick={onLinkClick}
      aria-current={isCurrent ? 'page' : undefined}
    >
      # {room}
      {count > 0 && <span className="badge">{count}</span>}
    </a>
  )
}

function GapNote({ gap }: { gap: Gap }) {
  const why =
    gap.reason === 'window-passed'
      ? 'You were away for longer than messages are kept.'
      : 'The history of this room was lost on the server.'
  return (
    <p className="note warn" role="status">
      {why} Some messages are missing here; from now on you see all of them.
    </p>
  )
}
