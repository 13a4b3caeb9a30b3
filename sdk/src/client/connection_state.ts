// The states of a connection, as a total function of state and event.
//
//            wanted            opened
//   idle ───────────▶ connecting ─────▶ open
//    ▲  ◀─ released ──  │  ▲              │
//    │                  │  │ due          │ lost
//    │             lost ▼  │              │
//    └── released ──  waiting ◀───────────┘          released: open ─▶ idle
//
//   closed: from everywhere, for good.
import type { ConnectionStatus } from './types.js'

/**
 * - `wanted`: something is subscribed; `released`: nothing is any more.
 * - `opened`: the attempt succeeded; `lost`: it failed, or the connection broke.
 * - `due`: the back-off is over, or something woke the client.
 * - `closed`: by its owner.
 */
export type ConnectionEvent = 'wanted' | 'released' | 'opened' | 'lost' | 'due' | 'closed'

const table: Record<ConnectionStatus, Partial<Record<ConnectionEvent, ConnectionStatus>>> = {
  idle: { wanted: 'connecting', closed: 'closed' },
  connecting: { opened: 'open', lost: 'waiting', released: 'idle', closed: 'closed' },
  open: { lost: 'waiting', released: 'idle', closed: 'closed' },
  waiting: { due: 'connecting', released: 'idle', closed: 'closed' },
  closed: {},
}

/** The state behind an event; an event that means nothing in a state leaves it. */
export function nextConnectionStatus(
  status: ConnectionStatus,
  event: ConnectionEvent,
): ConnectionStatus {
  return table[status][event] ?? status
}
