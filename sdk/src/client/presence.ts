// PresenceFeed: one channel's presence: the list that the server keeps, and what this client says of itself.
//
// What it says is level-triggered: there is what shall hold (listed or not, with which data) and what the
// server was told. A difference is sent, one frame at a time, so that the newest word wins and the ones
// between cost nothing; every new subscription says all of it again.
import { TakoError } from '../error.js'
import type { Member, Occupancy } from '../presence_types.js'
import type { Feed } from './feed.js'
import { parseJson, printJson } from './json.js'
import { nextRef } from './outbox.js'
import type { PresenceHandle } from './presence_handle.js'
import { type PresenceFrame, PresenceList } from './presence_list.js'
import type { Presence, PresenceChange } from './types.js'

/** After a refusal for now without a time of its own. */
const pauseMs = 1_000

interface Word {
  /** Undefined: as the server has it, which lists whoever subscribes. */
  readonly entered: boolean | undefined
  readonly data: unknown
}

interface Waiter {
  resolve(): void
  reject(error: TakoError): void
}

export class PresenceFeed {
  list = new PresenceList()
  kind: Presence['kind'] = null
  occupancy: Occupancy | null = null
  error: TakoError | null = null
  /** What the present subscription was asked to tell. */
  #watched: 'list' | 'counts' | null = null
  #isLive = false
  #told: Word = { entered: undefined, data: undefined }
  #isListed = true
  /** Something was said, and shall be sent even if it is nothing new. */
  #isUnsaid = false
  /** The frame that waits for its answer, or, with ref 0, for the end of a pause. */
  #sent: { ref: number; word: Word; waiters: Waiter[] } | null = null
  /** Those whose word was not sent yet. */
  #waiting: Waiter[] = []
  #data: { readonly value: unknown; readonly saidAt: number } = { value: undefined, saidAt: -1 }
  #cancelTimer = () => {}

  constructor(readonly feed: Feed) {}

  get self(): Member | null {
    return this.feed.subject === null ? null : this.list.get(this.feed.subject)
  }

  /** What a new subscription says; from then on that is what the server was told. */
  wish(): Record<string, unknown> {
    this.#watched = this.#wanted
    this.#told = this.#word()
    if (this.#watched === null) {
      this.#forget()
      return {}
    }
    return {
      presence: this.#watched === 'list' ? true : 'counts',
      presenceEnter: this.#told.entered === false ? false : undefined,
      presenceData: this.#told.data,
      presenceVersion: this.#watched === 'list' ? (this.list.version ?? undefined) : undefined,
    }
  }

  /** The subscription stands. */
  ready(): void {
    this.#isLive = true
    this.#isUnsaid = false
    this.#isListed = this.#told.entered !== false
    this.error = null
    this.#flush()
  }

  /** `final`: why nobody is going to say again what was said; null: the next subscription does. */
  lost(final: TakoError | null): void {
    this.#isLive = false
    this.#recall()
    if (!final) return
    for (const { reject } of this.#waiting.splice(0)) reject(final)
    this.#forget() // Nobody tells how it goes on.
  }

  /** Looks at who is there; true when the server has to be asked for more than it tells. */
  settle(): boolean {
    for (const handle of this.#handles()) {
      if (handle.isGreeted || this.kind === null) continue
      handle.isGreeted = true
      handle.options.onFrame?.('kind', this.kind)
      const { version, members } = this.list
      if (version !== null) handle.options.onFrame?.('tako.presence', { version, members })
      if (this.occupancy) handle.options.onFrame?.('tako.occupancy', this.occupancy)
      handle.tell(members.map((member) => ({ action: 'present', member })))
    }
    this.#flush()
    const wanted = this.#wanted
    return wanted !== null && wanted !== this.#watched && this.#watched !== 'list'
  }

  /** What the server tells: a list or its changes, the occupancy, or what kind of both is to be had. */
  take(type: string, data: unknown): void {
    // Who has asked for nothing is told nothing, which says nothing of the channel.
    if (type === 'kind') this.kind = this.#watched && ((data as Presence['kind']) ?? 'off')
    else this.kind ??= type === 'tako.presence' ? 'list' : 'counts' // An event stream tells no kind.
    let changes: PresenceChange[] | null = []
    if (type === 'tako.occupancy') this.occupancy = data as Occupancy
    if (type === 'tako.error') this.#refused(data as TakoError)
    if (type === 'tako.presence') changes = this.list.take(data as PresenceFrame)
    if (changes === null) {
      const text = 'presence changed behind an unknown version'
      return this.feed.onRefused(new TakoError('answer-malformed', text, { retryable: true }))
    }
    for (const handle of this.#handles()) {
      // Who comes now is told all at once, by settle().
      if (!handle.isGreeted) continue
      if (type !== 'tako.error') handle.options.onFrame?.(type, data)
      handle.tell(changes)
    }
    this.settle()
  }

  /** @throws {TakoError} (as a rejection) what the server refuses it with, `usage-invalid`, `aborted` */
  say(handle: PresenceHandle, action: string, data: unknown): Promise<void> {
    const text = printJson(data)
    const { options, status } = handle.subscription
    let fault: string | null = null
    if (options.transport === 'sse') fault = 'over sse presence is said by subscribing'
    else if (action === 'update' && text === undefined) fault = 'data is nothing that JSON can say'
    if (fault !== null) return Promise.reject(new TakoError('usage-invalid', fault))
    if (status === 'failed') return Promise.reject(this.feed.error)
    if (status === 'closed') {
      return Promise.reject(new TakoError('aborted', 'the subscription is closed'))
    }
    if (action !== 'update') handle.entered = action === 'enter'
    if (text !== undefined) {
      handle.data = parseJson(text) // A copy: it is said again with each new subscription.
      handle.saidAt = nextRef()
    }
    this.#isUnsaid = true
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#flush()
    })
  }

  /** Whether that was the answer to a word of ours; null: it was taken. */
  answer(ref: number, error: TakoError | null, wasReceived = true): boolean {
    if (this.#sent?.ref !== ref) return false
    const { word, waiters } = this.#sent
    if (error !== null && !wasReceived) {
      this.#recall() // The next subscription says it.
      return true
    }
    this.#cancelTimer()
    if (error?.code === 'rate-limited') {
      this.#sent.ref = 0
      const { setTimer } = this.feed.context.environment
      this.#cancelTimer = setTimer(() => this.#resume(), error.retryAfterMs ?? pauseMs)
      return true
    }
    this.#sent = null
    this.#told = word
    if (error === null) {
      this.error = null
      this.#isListed = word.entered !== false
      for (const { resolve } of waiters) resolve()
    } else {
      this.#refused(error)
      for (const { reject } of waiters) reject(error)
      for (const handle of this.#handles()) handle.tell([])
    }
    this.#flush()
    return true
  }

  #resume(): void {
    this.#recall()
    this.#isUnsaid = true
    this.#flush()
  }

  #forget(): void {
    this.list = new PresenceList()
    this.kind = this.occupancy = null
  }

  /** What was sent is unsaid. */
  #recall(): void {
    this.#cancelTimer()
    if (this.#sent) this.#waiting.unshift(...this.#sent.waiters)
    this.#sent = null
  }

  /** Whoever is refused is asked for again by the next word, or the next subscription. */
  #refused(error: TakoError): void {
    this.error = error
    if (error.code === 'presence-full') this.#isListed = false
  }

  /** Sends what the server was not told; when there is nothing, everybody who waits has been heard. */
  #flush(): void {
    // Without a watch the subscription that says it is under way.
    if (!this.#isLive || this.#sent !== null || this.#watched === null) return
    const word = this.#word()
    const isNews =
      this.#isUnsaid ||
      (word.entered ?? this.#told.entered) !== this.#told.entered ||
      printJson(word.data) !== printJson(this.#told.data)
    if (!isNews) {
      for (const { resolve } of this.#waiting.splice(0)) resolve()
      return
    }
    this.#isUnsaid = false
    const action = word.entered === false ? 'leave' : this.#isListed ? 'update' : 'enter'
    const { environment, timeoutMs } = this.feed.context
    const waiters = this.#waiting.splice(0)
    const ref = nextRef()
    this.#sent = { ref, word, waiters }
    this.#cancelTimer()
    this.#cancelTimer = environment.setTimer(() => {
      // A server that is alive answers; the next connection says it by itself.
      this.feed.port.drop(new TakoError('timeout', `no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    const data = action === 'leave' ? { action } : { action, data: word.data }
    this.feed.port.send({ ref, type: 'tako.presence', data, idempotencyKey: null, echo: true })
  }

  #word(): Word {
    const handles = this.#handles()
    for (const { data, saidAt } of handles) {
      if (data !== undefined && saidAt > this.#data.saidAt) this.#data = { value: data, saidAt }
    }
    const said = handles.map(({ entered }) => entered)
    const entered = said.includes(true) ? true : said.includes(false) ? false : undefined
    return { entered, data: this.#data.value }
  }

  get #wanted(): 'list' | 'counts' | null {
    const wanted = this.#handles().map(({ options }) => options.watch ?? 'list')
    return wanted.includes('list') ? 'list' : (wanted[0] ?? null)
  }

  #handles(): PresenceHandle[] {
    return [...this.feed.members].flatMap(({ presence }) => presence ?? [])
  }
}
