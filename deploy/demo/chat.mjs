// The chat card: one subscription per room, all over one connection. What was typed while the
// connection was away is sent when it is back, under the same key, so that it is stored once.

const entriesMax = 300
const typingShownMs = 2_500
const typingEveryMs = 1_000

class Room {
  pending = new Map() // nonce -> {data, entry}: sent or to be sent, not acknowledged
  unread = 0
  missed = 0
  catchUp = null // The entry that counts what the last resume replayed.

  constructor(name) {
    this.name = name
    this.list = document.createElement('ol')
    this.tab = document.createElement('button')
    this.tab.type = 'button'
    this.tab.textContent = name
  }
}

export class Chat {
  #connection
  #root
  #rooms
  #open
  #onEvent
  #typingSentAt = 0
  #typingTimer = null

  /** `onEvent(kind, room, detail)`: message, caughtUp, gap, refused; for the page's summary. */
  constructor(root, connection, roomNames, onEvent) {
    this.#root = root
    this.#connection = connection
    this.#onEvent = onEvent
    this.#rooms = roomNames.map((name) => new Room(name))
    for (const room of this.#rooms) this.#addRoom(room)
    this.#show(this.#rooms[0])
    const form = root.querySelector('form')
    form.addEventListener('submit', (event) => this.#submit(event))
    form.elements.text.addEventListener('input', () => this.#tellTyping())
  }

  get cursor() {
    return this.#open.subscription.cursor
  }

  #addRoom(room) {
    room.tab.addEventListener('click', () => this.#show(room))
    this.#root.querySelector('nav').append(room.tab)
    room.subscription = this.#connection.subscribe('chat', { room: room.name }, {
      onReady: (isResume) => this.#ready(room, isResume),
      onMessage: (message, wasMissed) => this.#receive(room, message, wasMissed),
      onGap: (gap) => this.#gap(room, gap),
      onRefused: (error) => this.#onEvent('refused', room.name, error),
    })
  }

  #show(room) {
    this.#open = room
    room.unread = 0
    this.#root.querySelector('.messages').replaceChildren(room.list)
    for (const each of this.#rooms) each.tab.setAttribute('aria-selected', String(each === room))
    this.#markUnread(room)
    this.#scrollDown()
  }

  #ready(room, isResume) {
    room.missed = 0
    room.catchUp = null
    if (isResume) this.#onEvent('resumed', room.name, 0)
    for (const [nonce, { data }] of room.pending) this.#transmit(room, nonce, data)
  }

  #receive(room, message, wasMissed) {
    if (message.type === 'typing') return this.#showTyping(room, message)
    if (message.type !== 'msg') return
    // Our own message, replayed because its acknowledgement was lost on the way.
    if (room.pending.has(message.data?.nonce)) return this.#confirm(room, message.data.nonce, message.id)
    if (wasMissed) this.#countMissed(room)
    const name = message.subject ?? message.data?.name ?? 'the app'
    this.#append(room, this.#entry(name, message.data?.text, message.data?.at, message.id))
    this.#onEvent('message', room.name, message)
    if (room !== this.#open) room.unread += 1
    this.#markUnread(room)
  }

  #countMissed(room) {
    room.missed += 1
    room.catchUp ??= this.#append(room, this.#notice('caught-up'))
    const noun = room.missed === 1 ? 'message' : 'messages'
    room.catchUp.textContent = `Caught up: ${room.missed} ${noun} while you were away`
    this.#onEvent('resumed', room.name, room.missed)
  }

  #gap(room, gap) {
    const notice = this.#append(room, this.#notice('gap'))
    notice.textContent = `Some messages are gone (${gap.reason}): ${gap.from} to ${gap.to}`
    this.#onEvent('gap', room.name, gap)
  }

  #submit(event) {
    event.preventDefault()
    const input = event.target.elements.text
    const text = input.value.trim()
    if (!text) return
    input.value = ''
    const data = { text, at: Date.now(), nonce: crypto.randomUUID() }
    const entry = this.#entry('you', text, data.at, 'waiting to be sent')
    entry.classList.add('own', 'pending')
    this.#open.pending.set(data.nonce, { data, entry })
    this.#append(this.#open, entry)
    this.#transmit(this.#open, data.nonce, data)
  }

  // Not connected: it stays pending, and #ready sends it.
  #transmit(room, nonce, data) {
    const frame = { type: 'msg', data, echo: false, idempotencyKey: nonce }
    this.#connection.send(room.subscription, frame, (reply) => {
      if (reply.error) this.#reject(room, nonce, reply.error)
      else this.#confirm(room, nonce, reply.id)
    })
  }

  #confirm(room, nonce, id) {
    const pending = room.pending.get(nonce)
    if (!pending) return
    room.pending.delete(nonce)
    pending.entry.classList.remove('pending')
    pending.entry.querySelector('.id').textContent = id ?? ''
    this.#append(room, pending.entry) // Its place among the others is known now.
    this.#onEvent('message', room.name, { id })
  }

  #reject(room, nonce, error) {
    if (error.retryable) return // Sent again when the subscription is ready again.
    const pending = room.pending.get(nonce)
    room.pending.delete(nonce)
    if (pending) pending.entry.querySelector('.id').textContent = `refused: ${error.message}`
  }

  #tellTyping() {
    if (Date.now() - this.#typingSentAt < typingEveryMs) return
    this.#typingSentAt = Date.now()
    this.#connection.send(this.#open.subscription, { type: 'typing', data: {}, echo: false })
  }

  #showTyping(room, { subject }) {
    if (room !== this.#open) return
    const line = this.#root.querySelector('.typing')
    line.textContent = `${subject ?? 'someone'} is typing…`
    clearTimeout(this.#typingTimer)
    this.#typingTimer = setTimeout(() => (line.textContent = ''), typingShownMs)
  }

  #entry(name, text, at, id) {
    const entry = document.createElement('li')
    const parts = { name, time: at ? new Date(at).toLocaleTimeString() : '', id: id ?? '', text }
    for (const [kind, value] of Object.entries(parts)) {
      const part = document.createElement(kind === 'text' ? 'p' : 'span')
      part.className = kind
      part.textContent = value ?? ''
      entry.append(part)
    }
    return entry
  }

  #notice(kind) {
    const notice = document.createElement('li')
    notice.className = `notice ${kind}`
    return notice
  }

  // What is not sent yet stays below what is.
  #append(room, entry) {
    const isPending = entry.classList.contains('pending')
    room.list.insertBefore(entry, isPending ? null : room.list.querySelector('.pending'))
    while (room.list.children.length > entriesMax) room.list.firstChild.remove()
    if (room === this.#open) this.#scrollDown()
    return entry
  }

  #scrollDown() {
    const messages = this.#root.querySelector('.messages')
    messages.scrollTop = messages.scrollHeight
  }

  #markUnread(room) {
    room.tab.dataset.unread = room.unread || ''
  }
}
