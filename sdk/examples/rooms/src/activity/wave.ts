// Asks the app's server to wave at someone.
import { network } from '../network.js'
import type { Identity } from '../session.js'

/** @throws when they are not here, or the server can't be asked */
export async function wave(identity: Identity, to: string): Promise<void> {
  const response = await network.fetch('/api/wave', {
    method: 'POST',
    headers: { authorization: `Bearer ${await identity.token()}` },
    body: JSON.stringify({ to }),
  })
  if (!response.ok) throw new Error(`not waved: status ${response.status}`)
}
