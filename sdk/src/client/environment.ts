// Environment: everything of the outside world that the client touches, so that a test can script it.

/** What the page tells of itself: it became visible, the network came back, it may soon be gone. */
export type PageEvent = 'wake' | 'online' | 'hide'

export interface Environment {
  /** Monotonic enough: ms since some origin. */
  now(): number
  /** Calls once after `ms`; the result cancels. */
  setTimer(callback: () => void, ms: number): () => void
  /** In [0, 1). */
  random(): number
  /** A key that no one else makes. */
  makeKey(): string
  fetch(url: string, init: RequestInit): Promise<Response>
  /** Undefined where there is none (Node 20): then the `WebSocket` option is needed. */
  WebSocket: typeof globalThis.WebSocket | undefined
  /** This tab's storage; null where there is none, or where it is blocked. */
  storage: Pick<Storage, 'getItem' | 'setItem'> | null
  /** What tabs share a connection with; null where one of both is missing. */
  tabs: {
    locks: Pick<LockManager, 'request'>
    makeChannel(name: string): BroadcastChannel
  } | null
  /** The page's own origin; undefined outside a page. */
  origin: string | undefined
  /** The result stops listening. */
  onPage(listener: (event: PageEvent) => void): () => void
  /** An exception of a user's callback: shown, but nobody else's trouble. */
  report(error: unknown): void
}

/** The world as it is here: a page, a worker, Node, Bun. `given` replaces parts of it. */
export function environment(given: Partial<Environment> = {}): Environment {
  return {
    now: () => Date.now(),
    setTimer: (callback, ms) => {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
    random: () => Math.random(),
    makeKey,
    fetch: (url, init) => globalThis.fetch(url, init),
    WebSocket: globalThis.WebSocket,
    storage: sessionStorageOf(),
    tabs: tabsOf(),
    origin: globalThis.location?.origin,
    onPage: listenToPage,
    report: (error) =>
      typeof reportError === 'function' ? reportError(error) : console.error(error),
    ...given,
  }
}

/** randomUUID exists in secure contexts only, and Node 18 has no global crypto at all. */
function makeKey(): string {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> }
  if (crypto?.randomUUID) return crypto.randomUUID()
  const words = new Uint32Array(4).map(() => Math.random() * 2 ** 32)
  return (crypto?.getRandomValues?.(words) ?? words).join('-')
}

function tabsOf(): Environment['tabs'] {
  const { navigator, BroadcastChannel } = globalThis
  const locks = navigator?.locks as LockManager | undefined // Secure contexts only.
  if (!locks || !BroadcastChannel) return null
  return { locks, makeChannel: (name) => new BroadcastChannel(name) }
}

function sessionStorageOf(): Storage | null {
  try {
    return globalThis.sessionStorage ?? null
  } catch {
    return null // The browser's settings forbid it: reading the property throws.
  }
}

function listenToPage(listener: (event: PageEvent) => void): () => void {
  const page = globalThis.document
  const target = globalThis as Partial<
    Pick<EventTarget, 'addEventListener' | 'removeEventListener'>
  >
  if (!target.addEventListener || !target.removeEventListener) return () => {}
  const onOnline = () => listener('online')
  const onHide = () => listener('hide')
  const onVisibility = () => listener(page.visibilityState === 'visible' ? 'wake' : 'hide')
  target.addEventListener('online', onOnline)
  target.addEventListener('pagehide', onHide)
  page?.addEventListener('visibilitychange', onVisibility)
  return () => {
    target.removeEventListener?.('online', onOnline)
    target.removeEventListener?.('pagehide', onHide)
    page?.removeEventListener('visibilitychange', onVisibility)
  }
}
