// Waves at someone: the app's server tells them, on the channel that only they can read.
import { useState } from 'react'

import { useIdentity } from '../session.js'
import { wave } from '../activity/wave.js'

export function WaveButton({ to }: { to: string }) {
  const { identity } = useIdentity()
  const [state, setState] = useState<'idle' | 'sent' | 'failed'>('idle')
  const onClick = () => {
    wave(identity, to).then(
      () => setState('sent'),
      () => setState('failed'),
    )
  }
  const text = { idle: 'Wave', sent: 'Waved', failed: 'Not here now' }[state]
  return (
    <button
      type="button"
      className="link wave"
      aria-label={`Wave at ${to}`}
      disabled={state === 'sent'}
      onClick={onClick}
    >
      {text}
    </button>
  )
}
