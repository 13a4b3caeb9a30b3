// Removes someone from a room: the app's server takes their permission back, and bans them for a while.
import { network } from '../network.js'
import type { Identity } from '../session.js'
import type { RoomName } from './rooms.js'

/** @throws {Error} in words for people */
export async function removePerson(identity: Identity, room: RoomName, who: string): Promise<void> {
  const response = await network.fetch('/api/remove', {
    method: 'POST',
    headers: { authorization: `Bearer ${await identity.token()}` },
    body: JSON.stringify({ room, who }),
  })
  if (!response.ok) throw new Error('not removed')
}
