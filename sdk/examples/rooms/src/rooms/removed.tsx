// A room that one was removed from: why, and the way back when the ban is over.
import { useEffect, useState } from 'react'

/** As long as the server's ban, and a moment for the way there. */
const banSeconds = 11

interface RemovedProps {
  /** What the one who removed says. */
  reason: string
  onReturn(): void
}

export function Removed({ reason, onReturn }: RemovedProps) {
  const [secondsLeft, setSecondsLeft] = useState(banSeconds)
  useEffect(() => {
    if (secondsLeft === 0) return
    const timer = setTimeout(() => setSecondsLeft(secondsLeft - 1), 1_000)
    return () => clearTimeout(timer)
  }, [secondsLeft])
  return (
    <div className="empty" role="alert">
      <h2>You were removed</h2>
      <p>{reason}</p>
      <button type="button" className="button" disabled={secondsLeft > 0} onClick={onReturn}>
        {secondsLeft > 0 ? `Come back in ${secondsLeft} s` : 'Come back'}
      </button>
    </div>
  )
}
