// Puts the parts together: who one is, the connections, the pages.
import { type ReactNode, useMemo, useState } from 'react'
import { TakoProvider } from 'tako-channels/react'

import { ActivityPage } from './activity/activity_page.js'
import { ActivityProvider } from './activity/activity_context.js'
import { Toasts } from './activity/toasts.js'
import { DashboardPage } from './dashboard/dashboard_page.js'
import { network } from './network.js'
import { RoomPage } from './rooms/room_page.js'
import { roomOfPath, rooms } from './rooms/rooms.js'
import { RoomsProvider } from './rooms/rooms_context.js'
import { usePath } from './router.js'
import { Identity, IdentityContext, useIdentity } from './session.js'
import { Shell } from './shell/shell.js'

export function App() {
  const [identity, setIdentity] = useState(() => Identity.ofThisTab())
  const rename = useMemo(
    () => ({
      rename: (name: string) => setIdentity(identity.renamed(name)),
      another: () => setIdentity(Identity.another()),
    }),
    [identity],
  )
  return (
    <IdentityContext value={{ identity, ...rename }}>
      {/* Another person is another session: nothing of the last one's connections stays. */}
      <Connections key={identity.name}>
        <RoomsProvider>
          <ActivityProvider>
            <Shell>
              <Page />
            </Shell>
            <Toasts />
          </ActivityProvider>
        </RoomsProvider>
      </Connections>
    </IdentityContext>
  )
}

function Connections({ children }: { children: ReactNode }) {
  const { identity } = useIdentity()
  const options = useMemo(
    () => ({ token: identity.token, fetch: network.fetch, WebSocket: network.WebSocket }),
    [identity],
  )
  return <TakoProvider options={options}>{children}</TakoProvider>
}

function Page() {
  const path = usePath()
  if (path === '/dashboard') return <DashboardPage />
  if (path === '/activity') return <ActivityPage />
  // One component for all rooms: a click on another changes the channel's params.
  return <RoomPage room={roomOfPath(path) ?? rooms[0].name} />
}
