// Web Locks of one origin, in memory: exclusive locks, granted in the order of their requests.

interface Waiter {
  grant(): Promise<void>
  readonly signal: AbortSignal | undefined
}

export class FakeLocks {
  readonly #queues = new Map<string, Waiter[]>()

  /** As `navigator.locks.request(name, { signal }, callback)`. */
  request = ((
    name: string,
    { signal }: { signal?: AbortSignal },
    callback: () => Promise<void> | void,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      const queue = this.#queues.get(name) ?? []
      this.#queues.set(name, queue)
      const grant = async () => {
        await callback()
        resolve()
        queue.shift()
        void queue[0]?.grant()
      }
      const waiter = { grant, signal }
      queue.push(waiter)
      signal?.addEventListener('abort', () => {
        const index = queue.indexOf(waiter)
        if (index <= 0) return // Held: it ends with its callback.
        queue.splice(index, 1)
        reject(signal.reason)
      })
      if (queue.length === 1) queueMicrotask(() => void grant())
    })) as unknown as LockManager['request']
}
