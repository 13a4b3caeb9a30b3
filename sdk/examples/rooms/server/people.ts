// Who was here lately, and how to tell them something.
import notifications from '../channels/notifications.js'

const peopleMax = 200

type Notification = Parameters<ReturnType<typeof notifications>['publish']>[0]

export class People {
  /** Oldest first. */
  readonly #names = new Set<string>()

  /** Remembers them, within the bound; true when they are new. */
  add(name: string): boolean {
    const isNew = !this.#names.delete(name)
    this.#names.add(name)
    for (const oldest of this.#names) {
      if (this.#names.size <= peopleMax) break
      this.#names.delete(oldest)
    }
    return isNew
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** @throws {TakoError} what the publish was refused with */
  async notify(name: string, notification: Notification): Promise<void> {
    await notifications({ user: name }).publish(notification)
  }

  /** Tells everyone; whom it can't tell goes without, and the log says so. */
  async notifyAll(notification: Notification): Promise<void> {
    for (const name of [...this.#names]) {
      await this.notify(name, notification).catch((failure: unknown) => {
        console.error(`could not notify ${name}: ${String(failure)}`)
      })
    }
  }
}
