// The demo's channel definitions: what `PUT /v1/definitions` registers when the app starts.

export const rooms = ['lobby', 'kitchen', 'garden']

export const definitions = [
  {
    // One channel per room: `room` partitions, so no room ever sees another's messages.
    name: 'chat',
    paramsSchema: {
      type: 'object',
      properties: { room: { type: 'string', pattern: '^[a-z0-9-]{1,32}$' } },
      required: ['room'],
      additionalProperties: false,
    },
    auth: { headerName: 'authorization', cookieName: 'demo_token' },
    transport: 'ws',
    // Messages are stored and replayed; who is typing is live only.
    handlers: { msg: 'relay', typing: 'ephemeral' },
    replayWindowMs: 30 * 60 * 1000,
  },
  // Anyone may listen; only the app publishes.
  { name: 'counter', auth: false, transport: 'ws', handlers: {}, replayWindowMs: 10 * 60 * 1000 },
  { name: 'ticker', auth: false, transport: 'sse', handlers: {}, replayWindowMs: 10 * 60 * 1000 },
]
