// Clients over TLS, of Node alone: a WebSocket and an event stream. They wait with bounds.
import { randomBytes } from 'node:crypto'
import https from 'node:https'

const patienceMs = 15_000

/** What comes one by one, for who waits for it. */
class Queue {
  #items = []
  #waiting = []

  push(item) {
    const next = this.#waiting.shift()
    if (next) next(item)
    else this.#items.push(item)
  }

  next(what) {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift())
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${what} never came`)), patienceMs)
      this.#waiting.push((item) => {
        clearTimeout(timer)
        resolve(item)
      })
    })
  }
}

/** The whole answer to one request. `options` as for https.request. */
export function fetchText(options, body = '') {
  return new Promise((resolve, reject) => {
    const request = https.request({ agent: false, timeout: patienceMs, ...options }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece) => (text += piece))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
    })
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer')))
    request.end(body)
  })
}

/** An event stream: next() is one block of it. */
export function openStream(options) {
  return new Promise((resolve, reject) => {
    const blocks = new Queue()
    const request = https.request({ agent: false, ...options }, (response) => {
      let unread = ''
      response.setEncoding('utf8').on('data', (piece) => {
        const parts = (unread + piece).split('\n\n')
        unread = parts.pop()
        for (const part of parts) blocks.push(part)
      })
      response.on('error', () => {}).on('close', () => blocks.push(null)) // Its end is null.
      const next = () => blocks.next('a block of the stream')
      resolve({ status: response.statusCode, next, close: () => request.destroy() })
    })
    request.on('error', reject).end()
  })
}

/** A WebSocket: next() is {text}, {close: code}, or null when the connection is gone. */
export function openWebSocket(options) {
  return new Promise((resolve, reject) => {
    const headers = {
      Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'), ...options.headers,
    }
    const request = https.request({ agent: false, ...options, headers })
    request.on('error', reject)
    request.on('response', (response) => reject(new Error(`refused with ${response.statusCode}`)))
    request.on('upgrade', (response, socket, head) => resolve(new WebSocketClient(socket, head)))
    request.end()
  })
}

class WebSocketClient {
  #socket
  #frames = new Queue()
  #unread

  constructor(socket, head) {
    this.#socket = socket
    this.#unread = head
    socket.on('data', (bytes) => {
      this.#unread = Buffer.concat([this.#unread, bytes])
      this.#parse()
    })
    socket.on('error', () => {}).on('close', () => this.#frames.push(null))
    this.#parse()
  }

  next() {
    return this.#frames.next('a frame')
  }

  send(text) {
    const payload = Buffer.from(text)
    if (payload.length > 125) throw new Error('this client sends short messages')
    const mask = randomBytes(4)
    const masked = payload.map((byte, index) => byte ^ mask[index % 4])
    this.#socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, masked]))
  }

  close() {
    this.#socket.destroy()
  }

  // A server's frames: whole, not masked, shorter than 64 KiB.
  #parse() {
    for (;;) {
      if (this.#unread.length < 2) return
      const isLong = this.#unread[1] === 126
      const begin = isLong ? 4 : 2
      if (this.#unread.length < begin) return
      const length = isLong ? this.#unread.readUInt16BE(2) : this.#unread[1]
      if (this.#unread.length < begin + length) return
      const payload = this.#unread.subarray(begin, begin + length)
      const opcode = this.#unread[0] & 0x0f
      this.#unread = this.#unread.subarray(begin + length)
      if (opcode === 1) this.#frames.push({ text: payload.toString() })
      if (opcode === 8) this.#frames.push({ close: payload.readUInt16BE(0) })
    }
  }
}
