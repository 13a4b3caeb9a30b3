// Publishes a made-up price every second: a random walk with a running number, so that anyone can
// see that no tick is missing and none came twice.
import { randomUUID } from 'node:crypto'

const intervalMs = 1_000

export class Ticker {
  #api
  #run = randomUUID()
  #next = { n: 1, price: 100, at: Date.now() }
  #isFailing = false

  constructor(api) {
    this.#api = api
  }

  async start() {
    for (;;) {
      await this.#tick()
      await new Promise((resolve) => setTimeout(resolve, intervalMs))
    }
  }

  // A tick whose answer was lost is sent again as it was, under its own key: it is stored once.
  async #tick() {
    const tick = this.#next
    try {
      await this.#api.publish('ticker', 'tick', tick, { idempotencyKey: `${this.#run}-${tick.n}` })
      const price = Math.max(1, tick.price + (Math.random() - 0.5) * 4)
      this.#next = { n: tick.n + 1, price: Number(price.toFixed(2)), at: Date.now() + intervalMs }
      this.#report(false)
    } catch (failure) {
      this.#report(true, failure.message)
    }
  }

  // Tells the change, not every second of it.
  #report(isFailing, reason = '') {
    if (isFailing && !this.#isFailing) console.error(`demo: the ticker can't publish: ${reason}`)
    if (!isFailing && this.#isFailing) console.error('demo: the ticker publishes again')
    this.#isFailing = isFailing
  }
}
