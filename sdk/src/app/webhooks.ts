// Webhooks: gives the server's events to the app, in order, each once as far as this process remembers.
import type { WebhookEvent } from '../webhook_types.js'

/** Called for one event after the other; a rejection has it come again later. */
export type EventListener = (event: WebhookEvent) => void | Promise<void>

/** The server keeps fewer; so a repeat within its hour of retries is known as one. */
const rememberedMax = 20_000
/** The server sends one batch at a time, and again after 10 s; more at once is not its doing. */
const waitingMax = 4

interface Batch {
  readonly app: string
  readonly events: readonly WebhookEvent[]
}

/** Null for what is no batch. */
export function parseBatch(text: string): Batch | null {
  try {
    const { app = 'default', events } = JSON.parse(text) as Partial<Batch>
    const isWhole = Array.isArray(events) && events.every((event) => typeof event?.id === 'string')
    return isWhole ? { app, events: events as WebhookEvent[] } : null
  } catch {
    return null
  }
}

export class Webhooks {
  readonly #listener: EventListener
  /** Oldest first. */
  readonly #done = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(listener: EventListener) {
    this.#listener = listener
  }

  /** False: too much waits already, let it come again. Rejects with what the listener threw. */
  async take(batch: Batch): Promise<boolean> {
    if (this.#waiting >= waitingMax) return false
    this.#waiting += 1
    // Behind the one before it: a batch that comes again while it is still worked on is the same one.
    const turn = this.#last.then(() => this.#work(batch))
    this.#last = turn.catch(() => {})
    await turn.finally(() => (this.#waiting -= 1))
    return true
  }

  async #work({ app, events }: Batch): Promise<void> {
    for (const event of events) {
      const key = `${app} ${event.id}`
      if (this.#done.has(key)) continue
      await this.#listener(event)
      this.#done.add(key)
      if (this.#done.size <= rememberedMax) continue
      const [oldest] = this.#done
      this.#done.delete(oldest as string)
    }
  }
}
