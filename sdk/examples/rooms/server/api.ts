// The app's own routes: sessions, waves, removals, and the built page for everything else.
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Tako } from 'tako-channels'

import chat from '../channels/chat.js'
import { HttpError, readJson, sendFile, sendJson } from './http.js'
import type { People } from './people.js'
import { issueSession, type Session, verifySession } from './sessions.js'

/** For so long whoever was removed from a room is not let in again. */
const banMs = 10_000

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export class Api {
  readonly #tako: Tako
  readonly #people: People
  readonly #page: string
  readonly #routes: Record<string, Route> = {
    'POST /api/session': (request, response) => this.#openSession(request, response),
    'POST /api/wave': (request, response) => this.#wave(request, response),
    'POST /api/remove': (request, response) => this.#remove(request, response),
    'GET /api/settings': async (_request, response) => sendJson(response, 200, settings()),
  }

  /** `page`: the folder of the built page. */
  constructor(tako: Tako, people: People, page: string) {
    this.#tako = tako
    this.#people = people
    this.#page = page
  }

  /** Never throws: what fails is told to the caller, and logged when it is our fault. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const urlPath = (request.url ?? '/').split('?', 1)[0] ?? '/'
    try {
      const route = this.#routes[`${request.method} ${urlPath}`]
      if (route) await route(request, response)
      else if (urlPath.startsWith('/api/')) throw new HttpError(404, `nothing at ${urlPath}`)
      else sendFile(this.#page, urlPath, response)
    } catch (failure) {
      const status = failure instanceof HttpError ? failure.status : 502
      const message = failure instanceof Error ? failure.message : String(failure)
      if (status === 502) console.error(`${request.method} ${urlPath}: ${message}`)
      if (!response.headersSent) sendJson(response, status, { error: message })
    }
  }

  /** A name becomes a session; the page asks again before it ends. */
  async #openSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const session = issueSession((await readJson(request)).name)
    if (this.#people.add(session.subject)) {
      await this.#people.notify(session.subject, { type: 'welcome', data: { at: Date.now() } })
    }
    sendJson(response, 200, session)
  }

  async #wave(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { subject: from } = sessionOf(request)
    const { to } = await readJson(request)
    if (typeof to !== 'string' || !this.#people.has(to)) {
      throw new HttpError(404, 'nobody here by that name')
    }
    await this.#people.notify(to, { type: 'wave', data: { at: Date.now(), from } })
    sendJson(response, 200, {})
  }

  /** Anyone may remove anyone here; a real app asks who moderates the room. */
  async #remove(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { subject: by } = sessionOf(request)
    const { room, who } = await readJson(request)
    if (typeof room !== 'string' || typeof who !== 'string' || who === '') {
      throw new HttpError(400, 'say who, and from which room')
    }
    // When this resolves, nothing that is said from now on reaches them there.
    const reason = `${by} removed you from #${room} for ${banMs / 1000} seconds.`
    await this.#tako.disconnect(who, { channel: 'chat', params: { room }, banMs, reason })
    const text = `${by} removed ${who} for ${banMs / 1000} seconds.`
    await chat({ room }).publish({ type: 'msg', data: { text, name: 'Rooms', at: Date.now() } })
    sendJson(response, 200, {})
  }
}

function sessionOf(request: IncomingMessage): Session {
  const session = verifySession(request.headers.authorization?.replace(/^Bearer /i, ''))
  if (!session) throw new HttpError(401, 'no valid session')
  return session
}

/** A line for a terminal that publishes, as any backend in any language can. */
function settings(): { curl: string } {
  const socket = process.env.TAKO_APP_SOCKET ?? '/run/tako/app.sock'
  const data = { text: 'hello from a terminal', name: 'curl' }
  const url = 'http://tako/v1/channels/chat/messages?room=lobby'
  return {
    curl: `curl --unix-socket ${socket} '${url}' -d '${JSON.stringify({ type: 'msg', data })}'`,
  }
}
