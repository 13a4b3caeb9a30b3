// Who is here: a column on a wide screen, on others a few faces that open it.
import { useState } from 'react'
import type { Member, PresenceOf } from 'tako-channels'
import { usePresence } from 'tako-channels/react'

import { wave } from '../activity/wave.js'
import { useIdentity } from '../session.js'
import { Avatar } from '../shell/avatar.js'
import { Popover } from '../shell/popover.js'
import { removePerson } from './remove.js'
import type { RoomName } from './rooms.js'

type Person = Member<PresenceOf<'chat'>>

/** Faces that are shown before the rest becomes a number. */
const facesMax = 4

export function PeopleColumn({ room, typists }: { room: RoomName; typists: readonly string[] }) {
  const { members, count } = usePresence('chat', { params: { room } })
  return (
    <aside className="people" aria-label="Who is here">
      <h2>
        Here <span className="soft">{count}</span>
      </h2>
      <PeopleList room={room} members={members} typists={typists} />
    </aside>
  )
}

export function PeopleButton({ room }: { room: RoomName }) {
  const { members, count } = usePresence('chat', { params: { room } })
  const face = (
    <span className="faces">
      {members.slice(0, facesMax).map(({ subject, info }) => (
        <Avatar key={subject} name={subject} face={info} />
      ))}
      {count > facesMax && <span className="avatar program">+{count - facesMax}</span>}
    </span>
  )
  if (count === 0) return null
  return (
    <Popover label={wordsFor(count)} className="people-button" face={face}>
      <h2>{wordsFor(count)}</h2>
      <PeopleList room={room} members={members} typists={[]} />
    </Popover>
  )
}

function wordsFor(count: number): string {
  return count === 1 ? '1 person here' : `${count} people here`
}

interface PeopleListProps {
  room: RoomName
  members: readonly Person[]
  typists: readonly string[]
}

function PeopleList({ room, members, typists }: PeopleListProps) {
  return (
    <ul className="people-list">
      {members.map((member) => (
        <PersonRow
          key={member.subject}
          room={room}
          person={member}
          isTyping={typists.includes(member.subject)}
        />
      ))}
    </ul>
  )
}

function PersonRow(props: { room: RoomName; person: Person; isTyping: boolean }) {
  const { room, person, isTyping } = props
  const { identity } = useIdentity()
  const [said, setSaid] = useState<string | null>(null)
  const { subject, info, data } = person
  const isSelf = subject === identity.name
  const act = (doing: Promise<unknown>, done: string | null) => {
    doing.then(
      () => setSaid(done),
      (failure: unknown) => setSaid(failure instanceof Error ? failure.message : String(failure)),
    )
  }
  const state = isTyping ? 'typing…' : data?.away === true ? 'away' : null
  return (
    <li className="person" data-person={subject} data-away={data?.away === true}>
      <Avatar name={subject} face={info} />
      <span className="person-name">
        {subject}
        {(isSelf || said || state) && <small>{isSelf ? 'you' : (said ?? state)}</small>}
      </span>
      {!isSelf && (
        <span className="person-actions">
          <button
            type="button"
            className="link"
            aria-label={`Wave at ${subject}`}
            onClick={() => act(wave(identity, subject), 'waved')}
          >
            Wave
          </button>
          <button
            type="button"
            className="link danger"
            aria-label={`Remove ${subject} for 10 seconds`}
            onClick={() => act(removePerson(identity, room, subject), null)}
          >
            Remove
          </button>
        </span>
      )}
    </li>
  )
}
