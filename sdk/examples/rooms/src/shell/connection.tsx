// The connection as a person sees it, its story, and the switch that cuts it.
import { useEffect, useState } from 'react'
import { useConnection } from 'tako-channels/react'

import { network, useIsCut } from '../network.js'
import { Popover } from './popover.js'
import { useStory, useTellStatus } from './story.js'

const words = {
  idle: 'Connecting',
  connecting: 'Connecting',
  open: 'Live',
  waiting: 'Reconnecting',
  closed: 'Closed',
} as const

export function ConnectionButton() {
  const { status } = useConnection()
  const isCut = useIsCut()
  useTellStatus(status)
  const text = isCut ? 'Cut' : words[status]
  const face = (
    <span className="status" data-status={isCut ? 'cut' : status} role="status">
      {text}
    </span>
  )
  return (
    <Popover label={`Connection: ${text}`} className="status-button" face={face}>
      <ConnectionPanel isCut={isCut} />
    </Popover>
  )
}

function ConnectionPanel({ isCut }: { isCut: boolean }) {
  const story = useStory()
  const curl = useCurlLine()
  return (
    <>
      <h2>Connection</h2>
      <p className="soft">
        {isCut
          ? 'This tab is cut off. Go on typing, here and in another tab, then reconnect: what was missed arrives, in order and once.'
          : 'Every room of this tab shares one WebSocket. Cut it, and see what happens.'}
      </p>
      {isCut ? (
        <button type="button" className="button" onClick={() => network.restore()}>
          Reconnect
        </button>
      ) : (
        <button type="button" className="button danger" onClick={() => network.cut()}>
          Cut the connection
        </button>
      )}
      <h3>What happened</h3>
      <ol className="story">
        {story.map(({ id, at, text }) => (
          <li key={id}>
            <time>{new Date(at).toLocaleTimeString()}</time>
            {text}
          </li>
        ))}
      </ol>
      {curl !== null && (
        <>
          <h3>Publish from a terminal</h3>
          <pre className="curl">{curl}</pre>
        </>
      )}
    </>
  )
}

/** A shell line of the server's; null until it is there. */
function useCurlLine(): string | null {
  const [curl, setCurl] = useState<string | null>(null)
  useEffect(() => {
    const request = new AbortController()
    fetch('/api/settings', { signal: request.signal })
      .then((response) => response.json() as Promise<{ curl: string }>)
      .then((settings) => setCurl(settings.curl))
      .catch(() => {
        // Without it the panel has a section less.
      })
    return () => request.abort()
  }, [])
  return curl
}
