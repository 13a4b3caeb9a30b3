// The ticker card: server-sent events with EventSource alone, resumed by our own cursor.
import { fullJitter } from './backoff.mjs'

const pointsMax = 60

export class Ticker {
  #source = null
  #cursor = '0'
  #lastNumber = 0
  #points = []
  #attempt = 0
  #timer = null
  #onEvent
  #view

  /** `onEvent(text)` goes to the page's journal. */
  constructor(root, onEvent) {
    this.#onEvent = onEvent
    this.#view = {
      price: root.querySelector('.price'),
      line: root.querySelector('polyline'),
      note: root.querySelector('.note'),
      counts: { received: 0, missing: 0 },
    }
  }

  connect() {
    clearTimeout(this.#timer)
    if (this.#source) return
    // _events=1: refusals and gaps come as events, for an EventSource can't read a status code.
    const cursor = encodeURIComponent(this.#cursor)
    this.#source = new EventSource(`/_tako/channels/ticker?_events=1&last_message_id=${cursor}`)
    this.#source.onopen = () => (this.#attempt = 0)
    this.#source.onmessage = (event) => this.#receive(event)
    this.#source.addEventListener('tako.gap', (event) => this.#gap(JSON.parse(event.data)))
    this.#source.onerror = () => this.#failed()
  }

  cut() {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = null
  }

  // The browser comes back by itself after a loss; only a refused stream is closed for good.
  #failed() {
    if (this.#source?.readyState !== EventSource.CLOSED) return
    this.cut()
    this.#timer = setTimeout(() => this.connect(), fullJitter(this.#attempt++))
  }

  #receive(event) {
    this.#cursor = event.lastEventId
    const { data } = JSON.parse(event.data)
    const { counts } = this.#view
    counts.received += 1
    if (this.#lastNumber > 0 && data.n > this.#lastNumber) {
      counts.missing += data.n - this.#lastNumber - 1
    }
    this.#lastNumber = data.n
    this.#points = [...this.#points, data.price].slice(-pointsMax)
    this.#draw(data)
  }

  #gap({ from, to, reason }) {
    this.#cursor = to
    this.#lastNumber = 0
    this.#onEvent(`Ticker: gap (${reason}) from ${from} to ${to}`)
  }

  #draw({ n, price }) {
    const low = Math.min(...this.#points)
    const range = Math.max(...this.#points) - low || 1
    const place = (value, index) =>
      `${((index / (pointsMax - 1)) * 100).toFixed(2)},${(36 - ((value - low) / range) * 32).toFixed(2)}`
    const { counts, line, note } = this.#view
    this.#view.price.textContent = price.toFixed(2)
    line.setAttribute('points', this.#points.map(place).join(' '))
    note.textContent = `tick ${n} · ${counts.received} received · ${counts.missing} missing`
  }
}
