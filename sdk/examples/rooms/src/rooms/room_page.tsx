// One room: who is here, what was said, who types, and where one writes.
import { useCallback } from 'react'
import type { Gap } from 'tako-channels/client'

import { onLinkClick } from '../router.js'
import { Composer } from './composer.js'
import { MessageList } from './message_list.js'
import { PeopleButton, PeopleColumn } from './people.js'
import { type RoomName, rooms } from './rooms.js'
import { useRooms, useUnsent } from './rooms_context.js'
import { TypingLine } from './typing_line.js'
import { useTypists } from './typing.js'
import { useAway } from './use_away.js'
import { useRoom } from './use_room.js'

export function RoomPage({ room }: { room: RoomName }) {
  const { say, retry, discard, reopen } = useRooms()
  const { typists, note } = useTypists(room)
  const channel = useRoom(room, note)
  const { messages, send } = channel
  const unsent = useUnsent(room)
  const away = useAway(room, channel.status, messages)
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
        <PeopleButton room={room} />
      </header>
      <div className="room-body">
        <div className="talk">
          {channel.gap !== null && <GapNote gap={channel.gap} />}
          <MessageList
            key={room}
            room={room}
            messages={messages}
            unsent={unsent}
            away={away}
            status={channel.status}
            error={channel.error}
            hasOlder={channel.hasOlder}
            onOlder={channel.loadOlder}
            onRetry={retry}
            onDiscard={discard}
            onRetryRoom={() => {
              channel.retry()
              reopen()
            }}
          />
          <TypingLine names={typists} />
          <Composer room={room} onSay={(text) => say(room, text)} onTyping={tellTyping} />
        </div>
        <PeopleColumn room={room} typists={typists} />
      </div>
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
      {why} You see the newest messages; some before them are missing.
    </p>
  )
}
