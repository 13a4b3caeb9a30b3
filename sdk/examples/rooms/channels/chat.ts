// A room's chat: one channel for each room, so that no room ever sees another's messages or people.
import { type InferChannel, defineChannel, reject } from 'tako-channels'

import { verifySession } from '../server/sessions.js'
import { type Face, faceOf } from '../shared/face.js'

const textLengthMax = 2_000
const forbidden = /\bspam\b/i

/**
 * `at`: ms since 1970, by the sender's clock. `key`: the sender's own name for it, by which its tab
 * finds what it still shows as unsent. `name`: who speaks, when it is no client but the app.
 */
interface Said {
  text: string
  at?: number
  key?: string
  name?: string
}

const chat = defineChannel('chat', {
  paramsSchema: (t) => t.Object({ room: t.String({ pattern: '^[a-z0-9-]{1,32}$' }) }),
  auth: {
    headerName: 'authorization',
    cookieName: 'rooms_session',
    verify: ({ header, cookie }) => {
      const session = verifySession(header?.value ?? cookie)
      return session && { ...session, presence: faceOf(session.subject) }
    },
  },
  handler: {
    // Asked before anyone gets it; what it returns is stored and delivered. A client says what it likes,
    // whatever the type says: only what is known is passed on.
    msg: ({ text, at, key }: Said): Said => {
      const words = typeof text === 'string' ? text.trim() : ''
      if (words === '') reject('Say something.')
      if (words.length > textLengthMax) reject(`At most ${textLengthMax} characters, please.`)
      if (forbidden.test(words)) reject('That word is not for this place.')
      return {
        text: words,
        ...(typeof at === 'number' ? { at } : {}),
        ...(typeof key === 'string' ? { key } : {}),
      }
    },
    // Who is typing is of interest only now.
    typing: 'ephemeral',
  },
  clientRate: { connection: 20, subject: 30 },
  presence: true,
  webhooks: ['member-entered', 'member-left', 'channel-vacated'],
  replayWindowMs: 60 * 60 * 1000,
})
  .$messageTypes<{ msg: Said; typing: { typing: boolean } }>()
  .$presenceTypes<{ info: Face; data: { away: boolean } }>()

export default chat
export type Chat = InferChannel<typeof chat>
