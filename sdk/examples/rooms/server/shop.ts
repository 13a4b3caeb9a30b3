// A made-up shop, so that the dashboard has something to show: one tick each second.
import sales, { type Tick } from '../channels/sales.js'
import type { People } from './people.js'

const tickMs = 1_000
const milestoneOrders = 100
const regions = ['Europe', 'Americas', 'Asia', 'Oceania']

export class Shop {
  #n = 0
  #orders = 0
  #revenue = 0
  #pace = 42

  /** The next second; `milestone` when a round number of orders was passed in it. */
  next(now = Date.now(), random = Math.random): { tick: Tick; milestone: number | null } {
    // A slow wave and some noise: a line that one likes to watch.
    const wave = 42 + 16 * Math.sin(now / 23_000) + 7 * Math.sin(now / 5_300)
    this.#pace += (wave - this.#pace) * 0.35 + (random() - 0.5) * 7
    const before = Math.floor(this.#orders / milestoneOrders)
    this.#orders += this.#pace / 60
    this.#revenue += (this.#pace / 60) * (28 + random() * 22)
    const after = Math.floor(this.#orders / milestoneOrders)
    const share = (index: number) =>
      (0.4 - index * 0.1) * (1 + 0.25 * Math.sin(now / 9_000 + index))
    const tick = {
      n: ++this.#n,
      at: now,
      ordersPerMinute: round(this.#pace, 1),
      revenue: round(this.#revenue, 2),
      shoppers: Math.round(180 + this.#pace * 4.2 + random() * 12),
      responseMs: Math.round(38 + this.#pace * 0.5 + random() * 14),
      regions: regions.map((name, index) => ({
        name,
        orders: round(this.#pace * share(index), 1),
      })),
    }
    return { tick, milestone: after > before ? after * milestoneOrders : null }
  }
}

/** Publishes for as long as the process lives. */
export async function publishShop(people: People, shop = new Shop()): Promise<never> {
  const started = Date.now()
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, tickMs))
    const { tick, milestone } = shop.next()
    await publishTick(tick, `tick-${started}-${tick.n}`)
    if (milestone !== null) {
      await people.notifyAll({ type: 'milestone', data: { at: tick.at, orders: milestone } })
    }
  }
}

// Until the broker has it, however long that is away: the next tick waits, so that none overtakes,
// and the key makes sure that one which arrived without an answer is not there twice.
async function publishTick(tick: Tick, idempotencyKey: string): Promise<void> {
  for (;;) {
    try {
      await sales.publish({ type: 'tick', data: tick }, { idempotencyKey })
      return
    } catch (failure) {
      console.error(`tick ${tick.n}: ${String(failure)}`)
      await new Promise((resolve) => setTimeout(resolve, tickMs))
    }
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
