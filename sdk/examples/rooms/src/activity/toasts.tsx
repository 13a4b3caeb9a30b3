// A notification that arrives now shows for some seconds, unless one reads them anyway. A welcome
// can wait.
import { useEffect, useRef, useState } from 'react'

import { onLinkClick, usePath } from '../router.js'
import { type Notification, useActivity } from './activity_context.js'
import { wordsOf } from './words.js'

const showMs = 6_000
/** What is older, or from before the page was opened, was missed: the badge counts it. */
const newMs = 10_000
const shownMax = 3

export function Toasts() {
  const { notifications } = useActivity()
  const path = usePath()
  const [openedAt] = useState(Date.now)
  const [shown, setShown] = useState<readonly Notification[]>([])
  const lastId = useRef<string | null>(null)

  useEffect(() => {
    const from = notifications.findIndex(({ id }) => id === lastId.current) + 1
    lastId.current = notifications.at(-1)?.id ?? null
    const since = Math.max(openedAt, Date.now() - newMs)
    const fresh = notifications
      .slice(from)
      .filter(({ type, data }) => type !== 'welcome' && data.at > since)
    if (fresh.length > 0) setShown((those) => [...those, ...fresh].slice(-shownMax))
  }, [notifications, openedAt])

  useEffect(() => {
    if (shown.length === 0) return
    const timer = setTimeout(() => setShown((those) => those.slice(1)), showMs)
    return () => clearTimeout(timer)
  }, [shown])

  if (path === '/activity') return null
  return (
    <div className="toasts" role="status">
      {shown.map((notification) => {
        const { icon, title, text } = wordsOf(notification)
        return (
          <a key={notification.id} className="toast" href="/activity" onClick={onLinkClick}>
            <span className="disc">{icon}</span>
            <span>
              <strong>{title}</strong>
              <span className="soft">{text}</span>
            </span>
          </a>
        )
      })}
    </div>
  )
}
