// A room's chat: one channel for each room, so that no room ever sees another's messages.
import { defineChannel, type InferChannel } from 'tako-channels'

import { verifySession } from '../server/sessions.js'

const chat = defineChannel('chat', {
  paramsSchema: (t) => t.Object({ room: t.String({ pattern: '^[a-z0-9-]{1,32}$' }) }),
  auth: {
    headerName: 'authorization',
    cookieName: 'rooms_session',
    verify: ({ header, cookie }) => verifySession(header?.value ?? cookie),
  },
  // What is said is stored and replayed; who is typing is of interest only now.
  handler: { msg: 'relay', typing: 'ephemeral' },
  replayWindowMs: 60 * 60 * 1000,
}).$messageTypes<{
  /**
   * `at`: ms since 1970, by the sender's clock. `key`: the sender's own name for it, by which its tab
   * finds what it still shows as unsent. `name`: who speaks, when it is no client but the app.
   */
  msg: { text: string; at?: number; key?: string; name?: string }
  typing: { typing: boolean }
}>()

export default chat
export type Chat = InferChannel<typeof chat>
