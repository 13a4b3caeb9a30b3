// The frame around the pages: a sidebar, or bars above and below on a narrow screen.
import type { ReactNode } from 'react'

import { usePresence } from 'tako-channels/react'

import { useActivity } from '../activity/activity_context.js'
import { useRooms } from '../rooms/rooms_context.js'
import { type RoomName, roomOfPath, rooms } from '../rooms/rooms.js'
import { onLinkClick, usePath } from '../router.js'
import { ConnectionButton } from './connection.js'
import { icons, Mark } from './icons.js'
import { Profile } from './profile.js'

export function Shell({ children }: { children: ReactNode }) {
  const path = usePath()
  const { unread } = useRooms()
  const activity = useActivity()
  const open = roomOfPath(path)
  const unreadRooms = rooms.reduce((sum, { name }) => sum + (unread[name] ?? 0), 0)

  return (
    <div className="shell">
      <header className="top">
        <a className="brand" href="/" onClick={onLinkClick}>
          <Mark />
          Rooms
        </a>
        <div className="top-side">
          <ConnectionButton />
          <Profile />
        </div>
      </header>

      <nav className="side" aria-label="Rooms and pages">
        <p className="side-title">Rooms</p>
        {rooms.map(({ name }) => (
          <RoomLink key={name} room={name} isCurrent={open === name} unread={unread[name] ?? 0} />
        ))}
        <p className="side-title">Live</p>
        <NavLink
          path="/dashboard"
          isCurrent={path === '/dashboard'}
          icon={icons.dashboard}
          text="Dashboard"
        />
        <NavLink
          path="/activity"
          isCurrent={path === '/activity'}
          icon={icons.activity}
          text="Activity"
          count={activity.unread}
        />
      </nav>

      <main className="page">{children}</main>

      <nav className="bottom" aria-label="Pages">
        <NavLink
          path={`/rooms/${open ?? rooms[0].name}`}
          isCurrent={open !== null}
          icon={icons.room}
          text="Rooms"
          count={open === null ? unreadRooms : 0}
        />
        <NavLink
          path="/dashboard"
          isCurrent={path === '/dashboard'}
          icon={icons.dashboard}
          text="Dashboard"
        />
        <NavLink
          path="/activity"
          isCurrent={path === '/activity'}
          icon={icons.activity}
          text="Activity"
          count={activity.unread}
        />
      </nav>
    </div>
  )
}

/** A room, with how many are in it. */
function RoomLink(props: { room: RoomName; isCurrent: boolean; unread: number }) {
  const { room, isCurrent, unread } = props
  const { count } = usePresence('chat', { params: { room } })
  return (
    <NavLink
      path={`/rooms/${room}`}
      isCurrent={isCurrent}
      icon={icons.room}
      text={room}
      count={unread}
      people={count}
    />
  )
}

interface NavLinkProps {
  path: string
  isCurrent: boolean
  icon: ReactNode
  text: string
  count?: number
  people?: number
}

function NavLink({ path, isCurrent, icon, text, count = 0, people = 0 }: NavLinkProps) {
  return (
    <a
      className="nav-link"
      href={path}
      onClick={onLinkClick}
      aria-current={isCurrent ? 'page' : undefined}
    >
      {icon}
      <span className="nav-text">{text}</span>
      {people > 0 && (
        <span className="nav-people" aria-label={`${people} here`}>
          {people}
        </span>
      )}
      {count > 0 && (
        <span className="badge" aria-label={`${count} unread`}>
          {count > 99 ? '99+' : count}
        </span>
      )}
    </a>
  )
}
