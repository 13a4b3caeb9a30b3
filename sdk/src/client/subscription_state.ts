// The states of a subscription, as a total function of state and event.
//
//                opened
//   connecting ─────────▶ open              refused: from connecting, open, waiting ─▶ failed
//      │  ▲ ▲              │                retried: failed ─▶ connecting
//      │  │ └── attempted  │ lost
//  lost▼  │                │                closed: from everywhere, for good
//     waiting ◀────────────┘
import type { SubscriptionStatus } from './types.js'

/**
 * - `opened`: authorized and live.
 * - `lost`: the connection broke, or the server refused for now.
 * - `attempted`: asked again.
 * - `refused`: for good; `retried`: its owner asks again all the same.
 * - `closed`: by its owner.
 */
export type SubscriptionEvent = 'opened' | 'lost' | 'attempted' | 'refused' | 'retried' | 'closed'

const table: Record<SubscriptionStatus, Partial<Record<SubscriptionEvent, SubscriptionStatus>>> = {
  connecting: { opened: 'open', lost: 'waiting', refused: 'failed', closed: 'closed' },
  open: { lost: 'waiting', refused: 'failed', closed: 'closed' },
  waiting: { attempted: 'connecting', opened: 'open', refused: 'failed', closed: 'closed' },
  failed: { retried: 'connecting', closed: 'closed' },
  closed: {},
}

/** The state behind an event; an event that means nothing in a state leaves it. */
export function nextSubscriptionStatus(
  status: SubscriptionStatus,
  event: SubscriptionEvent,
): SubscriptionStatus {
  return table[status][event] ?? status
}
