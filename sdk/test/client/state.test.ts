// The two state machines, over every pair of state and event.
import { describe, expect, test } from 'vitest'

import { type ConnectionEvent, nextConnectionStatus } from '../../src/client/connection_state.js'
import {
  type SubscriptionEvent,
  nextSubscriptionStatus,
} from '../../src/client/subscription_state.js'
import type { ConnectionStatus, SubscriptionStatus } from '../../src/client/types.js'

describe('a connection', () => {
  const events: ConnectionEvent[] = ['wanted', 'released', 'opened', 'lost', 'due', 'closed']
  const expected: Record<ConnectionStatus, ConnectionStatus[]> = {
    idle: ['connecting', 'idle', 'idle', 'idle', 'idle', 'closed'],
    connecting: ['connecting', 'idle', 'open', 'waiting', 'connecting', 'closed'],
    open: ['open', 'idle', 'open', 'waiting', 'open', 'closed'],
    waiting: ['waiting', 'idle', 'waiting', 'waiting', 'connecting', 'closed'],
    closed: ['closed', 'closed', 'closed', 'closed', 'closed', 'closed'],
  }
  test.each(Object.entries(expected))('that is %s answers every event', (state, row) => {
    const next = events.map((event) => nextConnectionStatus(state as ConnectionStatus, event))
    expect(next).toEqual(row)
  })
})

describe('a subscription', () => {
  const events: SubscriptionEvent[] = [
    'opened',
    'lost',
    'attempted',
    'refused',
    'retried',
    'closed',
  ]
  const expected: Record<SubscriptionStatus, SubscriptionStatus[]> = {
    connecting: ['open', 'waiting', 'connecting', 'failed', 'connecting', 'closed'],
    open: ['open', 'waiting', 'open', 'failed', 'open', 'closed'],
    waiting: ['open', 'waiting', 'connecting', 'failed', 'waiting', 'closed'],
    failed: ['failed', 'failed', 'failed', 'failed', 'connecting', 'closed'],
    closed: ['closed', 'closed', 'closed', 'closed', 'closed', 'closed'],
  }
  test.each(Object.entries(expected))('that is %s answers every event', (state, row) => {
    const next = events.map((event) => nextSubscriptionStatus(state as SubscriptionStatus, event))
    expect(next).toEqual(row)
  })
})
