// The dashboard's figures: public, written by the server alone, one message each second.
import { defineChannel, type InferChannel } from 'tako-channels'

export interface Tick {
  /** Counts up by one, so that a page can tell that it has them all. */
  n: number
  /** Ms since 1970. */
  at: number
  ordersPerMinute: number
  revenue: number
  shoppers: number
  responseMs: number
  /** Orders per minute of each, largest first on the whole. */
  regions: { name: string; orders: number }[]
}

const sales = defineChannel('sales', {
  auth: false,
  replayWindowMs: 10 * 60 * 1000,
  maxMessages: 180, // As many as the chart shows.
}).$messageTypes<{ tick: Tick }>()

export default sales
export type Sales = InferChannel<typeof sales>
