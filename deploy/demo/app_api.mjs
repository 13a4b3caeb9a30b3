// The app's side of the broker's unix socket: put definitions, publish messages.
import http from 'node:http'

const requestTimeoutMs = 5_000
const retryMs = 500

export class AppApi {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  #definitions = []
  #socketPath

  constructor(socketPath) {
    this.#socketPath = socketPath
  }

  /** Replaces the app's definitions; waits for a broker that is not there yet. */
  async putDefinitions(definitions) {
    this.#definitions = definitions
    for (let told = false; ; ) {
      try {
        return await this.#call('PUT', '/v1/definitions', { definitions })
      } catch (failure) {
        if (failure.status && failure.status < 500) throw failure // Our mistake: no retry mends it.
        if (!told) console.error(`demo: the broker does not answer yet (${failure.message})`)
        told = true
        await new Promise((resolve) => setTimeout(resolve, retryMs))
      }
    }
  }

  /**
   * Publishes one message; resolves with the stored message once the broker has it. A call that
   * repeats an earlier `idempotencyKey` stores nothing and resolves with the first message.
   */
  async publish(channel, type, data, { params = {}, idempotencyKey } = {}) {
    const query = new URLSearchParams(params).toString()
    const path = `/v1/channels/${encodeURIComponent(channel)}/messages${query && `?${query}`}`
    const headers = idempotencyKey ? { 'idempotency-key': idempotencyKey } : {}
    try {
      return await this.#call('POST', path, { type, data }, headers)
    } catch (failure) {
      // A broker that started anew with its log in memory does not know our channels any more.
      if (failure.status !== 404) throw failure
      await this.putDefinitions(this.#definitions)
      return this.#call('POST', path, { type, data }, headers)
    }
  }

  #call(method, path, body, headers = {}) {
    return new Promise((resolve, reject) => {
      const payload = JSON.stringify(body)
      const request = http.request({
        method,
        path,
        socketPath: this.#socketPath,
        agent: this.#agent,
        timeout: requestTimeoutMs,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
        },
      })
      request.on('timeout', () => request.destroy(new Error('no answer in time')))
      request.on('error', reject)
      request.on('response', (response) => readReply(response).then(resolve, reject))
      request.end(payload)
    })
  }
}

async function readReply(response) {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  if (response.statusCode < 300) return JSON.parse(text)
  throw Object.assign(new Error(`${response.statusCode} ${text}`), { status: response.statusCode })
}
