// ClientSubscription: what `subscribe()` gives: one subscriber's callbacks, cursor and sends.
import { TakoError } from '../error.js'
import type { ChannelMessage, HistoryPage, HistoryQuery } from '../types.js'
import { channelPath } from './address.js'
import type { Feed, Member } from './feed.js'
import { request } from './http.js'
import { parseJson, printJson } from './json.js'
import { PresenceHandle } from './presence_handle.js'
import { type SubscriptionEvent, nextSubscriptionStatus } from './subscription_state.js'
import type {
  Gap,
  PresenceChange,
  SendOptions,
  Sent,
  SubscribeOptions,
  Subscription,
  SubscriptionStatus,
  Token,
} from './types.js'

/** Messages that wait while the app loads its state behind a gap; more are fetched again later. */
const heldMax = 1_000

type Messages = Record<string, unknown>
type Held = { message: ChannelMessage } | { gap: Gap }

export class ClientSubscription implements Subscription<Messages>, Member {
  readonly channel: string
  status: SubscriptionStatus = 'connecting'
  error: TakoError | null = null
  position: string | null
  readonly token: Token | undefined
  readonly presence: PresenceHandle | null
  hasOlder = true
  /** The cursor of the page in front of those that `older()` has given. */
  #olderQuery: HistoryQuery | null = null
  /** A call of `older()` waits for the one before it. */
  #olderTurn: Promise<unknown> = Promise.resolve()
  /** What waits behind a gap; null: nothing is held back. */
  #held: Held[] | null = null
  /** More came than is held: from the cursor on it is to be had again. */
  #hasOverflowed = false
  #cursor: string | null
  readonly #hasStart: boolean

  constructor(
    public feed: Feed,
    readonly options: SubscribeOptions<Messages>,
    start: string | null,
    readonly storageKey: string,
    readonly onClosed: (subscription: ClientSubscription) => void,
  ) {
    this.channel = feed.address.name
    this.token = options.token
    const { presence } = options
    const asked = presence === true ? {} : presence === 'counts' ? { watch: presence } : presence
    this.presence = asked ? new PresenceHandle(this, asked) : null
    this.position = this.#cursor = start
    this.#hasStart = start !== null
  }

  get cursor(): string | null {
    // What is held back was received, but the app has not had it.
    return this.#held === null ? this.position : this.#cursor
  }

  get rewind(): number | string | undefined {
    return this.options.rewind
  }

  get isFollower(): boolean {
    const { onMessage, onGap } = this.options
    return !onMessage && !onGap && this.rewind === undefined && !this.#hasStart
  }

  get subject(): string | null {
    return this.feed.subject
  }

  send(type: string, data: unknown, options: SendOptions = {}): Promise<Sent> {
    const { idempotencyKey = null, echo = true } = options
    return new Promise((resolve, reject) => {
      const text = printJson(data)
      const fault = this.#faultOf(type, text, idempotencyKey, echo)
      if (fault !== null) return reject(fault)
      // A copy: the key stands for this content, whatever the caller does with the object later.
      const copy = parseJson(text as string)
      const entry = { owner: this, type, data: copy, echo, givenKey: idempotencyKey }
      this.feed.send({ ...entry, resolve, reject })
    })
  }

  async history(query: HistoryQuery = {}): Promise<HistoryPage<Messages>> {
    const options: Record<string, string> = {}
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) options[`_${name}`] = String(value)
    }
    const path = channelPath(this.feed.address, '/messages', options)
    const page = await request(this.feed.context, path, this.token ?? this.feed.token)
    return page as HistoryPage<Messages>
  }

  older(limit = 100): Promise<ChannelMessage[]> {
    const page = this.#olderTurn.then(() => this.#olderPage(limit))
    this.#olderTurn = page.catch(() => {})
    return page
  }

  async #olderPage(limit: number): Promise<ChannelMessage[]> {
    if (this.#olderQuery === null) {
      throw new TakoError('usage-invalid', 'older() needs a subscription that was open')
    }
    if (!this.hasOlder) return []
    const { messages, prev } = await this.history({ ...this.#olderQuery, limit })
    this.hasOlder = prev !== null
    if (prev !== null) this.#olderQuery = { before: prev }
    return messages
  }

  /** The feed asks for the token anew. */
  renew(): void {
    this.feed.tokenChanged()
  }

  retry(): void {
    if (this.status === 'failed') this.feed.retry()
  }

  close(): void {
    if (this.status === 'closed') return
    this.feed.leave(this)
    this.onEvent('closed', null)
  }

  onEvent(event: SubscriptionEvent, error: TakoError | null): void {
    const status = nextSubscriptionStatus(this.status, event)
    if (status === this.status && error === this.error) return
    // What the server gives it begins behind this position.
    if (status === 'open' && this.position) this.#olderQuery ??= { until: this.position }
    this.status = status
    this.error = status === 'open' || status === 'closed' ? null : error
    if (status === 'closed') this.onClosed(this)
    this.#call(() => this.options.onStatus?.(status, this.error))
  }

  onMessage(message: ChannelMessage): void {
    if (this.#held === null) return this.#deliver(message)
    this.#hold({ message })
  }

  onGap(gap: Gap): void {
    if (this.#held === null) void this.#reload(gap)
    else this.#hold({ gap })
  }

  onPresence(changes: readonly PresenceChange[]): void {
    const { presence } = this
    if (presence) this.#call(() => this.options.onPresence?.(changes, presence))
  }

  #deliver(message: ChannelMessage): void {
    this.#call(() => this.options.onMessage?.(message))
  }

  #hold(item: Held): void {
    if (this.#hasOverflowed) return
    if ((this.#held?.length ?? 0) < heldMax) {
      this.#held?.push(item)
      return
    }
    this.#hasOverflowed = true
  }

  /** Asks the app to load its state, and gives it what came meanwhile. */
  async #reload(gap: Gap): Promise<void> {
    this.#held = []
    for (let next: Gap | undefined = gap; next !== undefined; next = this.#release()) {
      this.#cursor = next.to
      const asked = this.#call(() => this.options.onGap?.(next as Gap))
      // A callback that is done at once holds nothing back, not even for a microtask.
      const answer = typeof asked === 'object' ? await this.#settled(asked) : asked
      if (answer === 'stop') this.close()
      if (this.status === 'closed') return
    }
    this.#held = null
    if (!this.#hasOverflowed) return
    this.#hasOverflowed = false
    this.position = this.#cursor
    this.feed.rewind(this)
  }

  /** Delivers what is held up to the next gap, which it returns. */
  #release(): Gap | undefined {
    for (let item = this.#held?.shift(); item !== undefined; item = this.#held?.shift()) {
      if ('gap' in item) return item.gap
      this.#cursor = item.message.id ?? this.#cursor
      this.#deliver(item.message)
      if (this.status === 'closed') return undefined
    }
    return undefined
  }

  async #settled<T>(promise: Promise<T>): Promise<T | undefined> {
    try {
      return await promise
    } catch (error) {
      this.feed.context.environment.report(error)
      return undefined // The state was not loaded: the app knows, and can close.
    }
  }

  /** A callback's exception is its own trouble: delivery goes on. */
  #call<T>(callback: () => T): T | undefined {
    try {
      return callback()
    } catch (error) {
      this.feed.context.environment.report(error)
      return undefined
    }
  }

  #faultOf(
    type: string,
    text: string | undefined,
    key: string | null,
    echo: boolean,
  ): TakoError | null {
    if (this.status === 'closed') return new TakoError('aborted', 'the subscription is closed')
    const usage = (text: string, hint: string) => new TakoError('usage-invalid', text, { hint })
    if (type === '' || type.length > 128 || type.startsWith('tako.')) {
      return usage(`'${type}' can't be a message's type`, '1 to 128 characters, not tako.…')
    }
    if (text === undefined) {
      return usage('data is nothing that JSON can say', 'Send null when there is none.')
    }
    if (key !== null && (key === '' || new TextEncoder().encode(key).length > 256)) {
      return usage('the idempotency key is too long or empty', 'A key has 1 to 256 bytes.')
    }
    if (!echo && this.options.transport === 'sse') {
      return usage('echo: false needs transport ws', 'Over SSE each message comes back.')
    }
    return null
  }
}
