// One WebSocket for many channels, in the rich dialect (subprotocol tako.v1): subscribes, remembers
// a cursor per subscription, comes back after a loss and resumes behind the last message seen.
//
//   cut ◀─cut()── any ──reconnect()─▶ connecting ─▶ live ─▶ waiting ─▶ connecting …
import { fullJitter } from './backoff.mjs'

const unknownAgeMs = 500

/** One channel of a connection. The owner gets its events through `handlers`. */
class Subscription {
  key = null // `chat?room=lobby`; known once the server said ready.
  cursor = '0' // Everything that is retained, then live.
  isReady = false
  resumedAt = null // Wall ms of the last resume; null before the first one.

  constructor(channel, params, handlers) {
    Object.assign(this, { channel, params, handlers })
  }

  /** A resume does not say where the missed part ends, but a message says when it was sent. */
  wasMissed(message) {
    if (this.resumedAt === null) return false
    const sentAt = message.data?.at
    if (typeof sentAt === 'number') return sentAt < this.resumedAt
    return Date.now() - this.resumedAt < unknownAgeMs
  }
}

export class Connection {
  #url
  #getToken
  #onState
  #socket = null
  #subscriptions = []
  #waiting = new Map() // ref -> what to do with its ack or error
  #lastRef = 0
  #attempt = 0
  #retryMs = null // The server's own word, from tako.drain.
  #timer = null
  #isCut = false

  /** `onState(state, detail)`: connecting, live, waiting, cut. `getToken()` gives the credential. */
  constructor(url, { getToken, onState }) {
    this.#url = url
    this.#getToken = getToken
    this.#onState = onState
    addEventListener('online', () => this.#isCut || this.#open())
    addEventListener('offline', () => this.#socket?.close())
  }

  /** `handlers`: onMessage(message, wasMissed), onReady(isResume), onGap(gap), onRefused(error). */
  subscribe(channel, params, handlers) {
    const subscription = new Subscription(channel, params, handlers)
    this.#subscriptions.push(subscription)
    if (this.#socket?.readyState === WebSocket.OPEN) this.#sendSubscribe(subscription)
    return subscription
  }

  /** Sends on a live subscription; false when there is none. `onReply({id} | {error})` comes once. */
  send(subscription, frame, onReply) {
    if (!subscription.isReady || this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#transmit({ ...frame, key: subscription.key }, (reply) => {
      // With echo:false the ack is our own message's delivery, so the cursor passes it.
      if (reply.id && frame.echo === false) subscription.cursor = reply.id
      onReply?.(reply)
    })
    return true
  }

  connect() {
    this.#isCut = false
    this.#open()
  }

  /** As if the network were gone, until connect() is called. */
  cut() {
    this.#isCut = true
    clearTimeout(this.#timer)
    this.#socket?.close()
    this.#onState('cut')
  }

  #open() {
    clearTimeout(this.#timer)
    if (this.#socket) return
    this.#onState('connecting')
    const socket = new WebSocket(this.#url, 'tako.v1')
    this.#socket = socket
    socket.onopen = () => this.#subscriptions.forEach((each) => this.#sendSubscribe(each))
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data))
    socket.onclose = (event) => this.#closed(event)
  }

  #closed({ code, reason }) {
    this.#socket = null
    this.#waiting.clear() // Whoever waits for an ack sends again when it is ready again.
    for (const each of this.#subscriptions) each.isReady = false
    if (this.#isCut) return
    const delay = this.#retryMs ?? fullJitter(this.#attempt++)
    this.#retryMs = null
    this.#onState('waiting', { delay, code, reason })
    this.#timer = setTimeout(() => this.#open(), delay)
  }

  #sendSubscribe(subscription) {
    const { channel, params, cursor } = subscription
    const data = { channel, params, token: `Bearer ${this.#getToken()}`, lastMessageId: cursor }
    this.#transmit({ type: 'tako.subscribe', data }, (reply) => {
      if (reply.error) subscription.handlers.onRefused?.(reply.error)
      else this.#ready(subscription, reply)
    })
  }

  #transmit(frame, onReply) {
    const ref = String(++this.#lastRef)
    this.#waiting.set(ref, onReply)
    this.#socket.send(JSON.stringify({ ...frame, ref }))
  }

  #receive(frame) {
    const { type, data, key } = frame
    if (type === 'tako.ack' || type === 'tako.ready') this.#settle(data.ref, { ...data, key })
    else if (type === 'tako.error') this.#settle(data.ref, { error: data })
    else if (type === 'tako.drain') this.#retryMs = data.retryMs
    else this.#receiveForSubscription(frame)
  }

  #settle(ref, reply) {
    const onReply = this.#waiting.get(ref)
    this.#waiting.delete(ref)
    if (onReply) onReply(reply)
    else if (reply.error) console.warn('tako:', reply.error.code, reply.error.message)
  }

  #receiveForSubscription({ type, data, key, id, ...rest }) {
    const subscription = this.#subscriptions.find((each) => each.key === key)
    if (!subscription) return
    if (type === 'tako.gap') {
      subscription.cursor = data.to
      return subscription.handlers.onGap?.(data)
    }
    if (type.startsWith('tako.')) return // From a newer server.
    if (id) subscription.cursor = id // Ephemeral messages have none.
    const message = { type, data, id, ...rest }
    subscription.handlers.onMessage?.(message, subscription.wasMissed(message))
  }

  #ready(subscription, { key, id }) {
    const isResume = subscription.key !== null
    subscription.key = key
    subscription.cursor = id
    subscription.isReady = true
    if (isResume) subscription.resumedAt = Date.now()
    this.#attempt = 0
    this.#onState('live')
    subscription.handlers.onReady?.(isResume)
  }
}
