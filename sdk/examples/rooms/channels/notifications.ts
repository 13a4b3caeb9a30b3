// What concerns one person: server-sent events, readable by that person alone.
import { defineChannel, type InferChannel } from 'tako-channels'

import { verifySession } from '../server/sessions.js'

const notifications = defineChannel('notifications', {
  paramsSchema: (t) => t.Object({ user: t.String({ minLength: 1, maxLength: 64 }) }),
  auth: {
    headerName: 'authorization',
    verify: ({ header, params }) => {
      const session = verifySession(header?.value)
      return session && session.subject === params.user ? session : false
    },
  },
  transport: 'sse',
  replayWindowMs: 60 * 60 * 1000,
  maxMessages: 100,
}).$messageTypes<{
  welcome: { at: number }
  wave: { at: number; from: string }
  milestone: { at: number; orders: number }
}>()

export default notifications
export type Notifications = InferChannel<typeof notifications>
