// The list of what concerns this person, newest first.
import { useEffect, useState } from 'react'

import { useIdentity } from '../session.js'
import { Refused } from '../shell/refused.js'
import { useActivity } from './activity_context.js'
import { wave } from './wave.js'
import { ago, wordsOf } from './words.js'

const minuteMs = 60_000

export function ActivityPage() {
  const { notifications, status, error, retry } = useActivity()
  const now = useNow()
  const newestFirst = [...notifications].reverse()

  return (
    <section className="scroll" aria-label="Activity">
      <header className="page-head">
        <div>
          <h1>Activity</h1>
          <p className="soft">What concerns you, over server-sent events</p>
        </div>
        <WaveAtMyself />
      </header>
      {status === 'failed' ? (
        <Refused what="The stream" error={error} onRetry={retry} />
      ) : notifications.length === 0 ? (
        <div className="empty">
          <h2>{status === 'open' ? 'Nothing yet' : 'Connecting…'}</h2>
          <p>When someone waves at you or the shop passes a round number, it is here.</p>
        </div>
      ) : (
        <ol className="feed">
          {newestFirst.map((notification) => {
            const { icon, title, text } = wordsOf(notification)
            const { at } = notification.data
            return (
              <li key={notification.id} data-type={notification.type}>
                <span className="disc">{icon}</span>
                <div>
                  <strong>{title}</strong>
                  <p className="soft">{text}</p>
                </div>
                <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
                  {ago(at, now)}
                </time>
              </li>
            )
          })}
        </ol>
      )}
    </section>
  )
}

/** To see one arrive without a second person. */
function WaveAtMyself() {
  const { identity } = useIdentity()
  const [hasFailed, setHasFailed] = useState(false)
  const onClick = () => {
    wave(identity, identity.name).then(
      () => setHasFailed(false),
      () => setHasFailed(true),
    )
  }
  return (
    <button type="button" className="button" onClick={onClick}>
      {hasFailed ? 'Not sent. Try again' : 'Wave at yourself'}
    </button>
  )
}

function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), minuteMs / 4)
    return () => clearInterval(timer)
  }, [])
  return now
}
