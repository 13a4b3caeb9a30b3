// ShowTimer: a burst of changes is shown at most once per interval: the first at once, the others together.

/** Renders per second that a busy channel causes are bounded by one each so many ms. */
export const renderIntervalMs = 16

export class ShowTimer {
  #timer: ReturnType<typeof setTimeout> | null = null
  #hasUnshown = false

  constructor(readonly show: () => void) {}

  showSoon(): void {
    this.#hasUnshown = true
    if (this.#timer !== null) return
    this.shown()
    this.show()
    this.#timer = setTimeout(() => {
      this.#timer = null
      if (this.#hasUnshown) this.showSoon()
    }, renderIntervalMs)
  }

  /** Everything is shown by now. */
  shown(): void {
    this.#hasUnshown = false
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
