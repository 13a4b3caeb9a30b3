// A channel that was refused for good, in the words of this app, and the way to try again.
import type { TakoError } from 'tako-channels'

const notAllowed = ['verify-rejected', 'forbidden', 'unauthorized']

interface RefusedProps {
  /** What can't be opened: "This room". */
  what: string
  error: TakoError | null
  onRetry(): void
}

export function Refused({ what, error, onRetry }: RefusedProps) {
  return (
    <div className="empty" role="alert">
      <h2>{what} can’t be opened</h2>
      <p>{wordsOf(error)}</p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}

function wordsOf(error: TakoError | null): string {
  if (error === null) return 'The server refused it.'
  if (notAllowed.includes(error.code)) return 'Your session does not allow it.'
  // The catalogue's own words are for developers, but better than none.
  return [error.message, error.hint].filter((text) => text !== '').join('. ')
}
