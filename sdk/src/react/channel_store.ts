// One hook's channel outside of React: opens and closes the subscription, keeps what it said.
import type {
  Gap,
  SendOptions,
  Sent,
  SubscribeOptions,
  Subscription,
  SubscriptionStatus,
  Token,
} from '../client/types.js'
import { TakoError } from '../error.js'
import type { ChannelName, MessagesOf, ParamsOf, PresenceOf } from '../registry.js'
import type { ChannelMessage, HistoryQuery, OutgoingMessage, Transport } from '../types.js'
import type { ClientSource } from './client_source.js'
import { MessageList } from './message_list.js'
import { ShowTimer } from './show_timer.js'
import type {
  ChannelActions,
  ChannelCallbacks,
  ChannelState,
  SendMessage,
  UseChannelResult,
} from './types.js'

/** What makes a subscription this one and no other; with another of these there is another store. */
export interface ChannelIdentity {
  readonly source: ClientSource
  readonly name: ChannelName
  /** The params as one text, independent of their order. */
  readonly paramsKey: string
  readonly transport: Transport | undefined
  readonly lastEventId: string | undefined
  readonly resumeOnReload: boolean | undefined
  readonly rewind: number | string | undefined
}

/** What may change while the subscription stays. */
export interface ChannelSettings<Messages> extends ChannelCallbacks<Messages> {
  readonly token: Token | undefined
  readonly limit: number
  readonly historyLimit: number
}

/**
 * Pure until `open`: a store that is made in a render and then thrown away has done nothing. Closed
 * and opened again (strict mode, `enabled`, a hidden `Activity`) it goes on at its cursor.
 */
export class ChannelStore<Name extends ChannelName, Messages = MessagesOf<Name>> {
  readonly identity: ChannelIdentity
  /** The state before the first subscription: of the server's markup and of its hydration. */
  readonly initial: UseChannelResult<Messages>
  readonly #params: ParamsOf<Name>
  readonly #list: MessageList<Messages>
  readonly #actions: ChannelActions<Messages>
  #settings: ChannelSettings<Messages>
  #state: Omit<ChannelState<Messages>, 'messages'>
  #shown: UseChannelResult<Messages>
  #listener: (() => void) | null = null
  /** From `open` to its end. */
  #isWanted = false

  #subscription: Subscription<Messages> | null = null
  /** Changes with each subscription, so that what comes late from an old one is known as such. */
  #life: symbol | null = null
  #openedWith: Token | undefined
  #cursor: string | null = null

  #history: 'wanted' | 'loading' | 'done' = 'wanted'
  #historyError: TakoError | null = null
  /** Where the first live message follows: history ends here. */
  #liveFrom: string | null = null

  readonly #timer = new ShowTimer(() => this.#show())
  #older: Promise<number> | null = null

  constructor(
    identity: ChannelIdentity,
    params: ParamsOf<Name>,
    settings: ChannelSettings<Messages>,
    status: SubscriptionStatus,
  ) {
    this.identity = identity
    this.#params = params
    this.#settings = settings
    this.#list = new MessageList(settings.limit)
    this.#state = { status, error: null, gap: null, subject: null, hasOlder: true }
    this.#actions = {
      clear: () => this.#clear(),
      send: this.#send,
      history: async (query?: HistoryQuery) => this.#subscribed().history(query),
      loadOlder: (count?: number) => {
        const loading = this.#older ?? this.#loadOlder(count)
        this.#older = loading
        return loading.finally(() => (this.#older = null))
      },
      retry: () => this.#retry(),
    }
    this.initial = { ...this.#state, messages: this.#list.snapshot, ...this.#actions }
    this.#shown = this.initial
  }

  /** Subscribes and tells `listener` of changes; returns what ends both. */
  readonly open = (listener: () => void): (() => void) => {
    this.#listener = listener
    this.#isWanted = true
    this.#begin()
    return () => {
      this.#listener = null
      this.#isWanted = false
      this.#end()
    }
  }

  /** Only tells of changes, as `clear` makes them; for a hook that is not enabled. */
  readonly watch = (listener: () => void): (() => void) => {
    this.#listener = listener
    return () => {
      this.#listener = null
    }
  }

  /** The same object until something changed. */
  readonly snapshot = (): UseChannelResult<Messages> => this.#shown

  /** The callbacks and the token that hold from now on; tells nobody, so a commit may call it. */
  adopt(settings: ChannelSettings<Messages>): void {
    this.#settings = settings
  }

  /** Nothing more is heard, though the subscription is closed only in a later effect. */
  detach(): void {
    this.#life = null
  }

  /** Acts on settings that changed: a new limit trims, a new credential is judged at once. */
  applySettings(): void {
    if (this.#list.setLimit(this.#settings.limit)) this.#show()
    if (this.#subscription === null || isSameToken(this.#settings.token, this.#openedWith)) return
    this.#end()
    // Not at once: the client would go on with the server's subscription, which the old token opened.
    queueMicrotask(() => {
      if (this.#isWanted && this.#subscription === null) this.#begin()
    })
  }

  #begin(): void {
    const life = Symbol(this.identity.name)
    const isPast = () => this.#life !== life
    const { name, transport, resumeOnReload, rewind } = this.identity
    const lastEventId = this.#cursor ?? this.identity.lastEventId
    this.#life = life
    this.#openedWith = this.#settings.token
    this.#state = { ...this.#state, status: 'connecting', error: null }
    const options: SubscribeOptions<Messages> = {
      ...(transport === undefined ? {} : { transport }),
      ...(resumeOnReload === undefined ? {} : { resumeOnReload }),
      ...(lastEventId === undefined ? {} : { lastEventId }),
      ...(rewind === undefined ? {} : { rewind }),
      ...(this.#openedWith === undefined ? {} : { token: () => this.#askToken() }),
      onMessage: (message) => void (isPast() || this.#take(message)),
      onStatus: (status, error) => void (isPast() || this.#follow(status, error)),
      onGap: (gap) => (isPast() ? undefined : this.#takeGap(gap)),
    }
    try {
      const client = this.identity.source.get()
      // The registry's types meet here: `Messages` is MessagesOf<Name>, which inference can't see.
      this.#subscription = client.subscribe<Name>(
        name as Name,
        this.#params,
        options as SubscribeOptions<MessagesOf<Name>, PresenceOf<Name>>,
      ) as Subscription<Messages>
      this.#follow(this.#subscription.status, this.#subscription.error)
    } catch (cause) {
      this.#follow('failed', asTakoError(cause))
    }
  }

  #end(): void {
    this.#life = null
    if (this.#subscription !== null) {
      this.#cursor = this.#subscription.cursor ?? this.#cursor
      this.#subscription.close()
      this.#subscription = null
    }
    if (this.#history === 'loading') this.#history = 'wanted'
    this.#timer.stop()
    this.#state = { ...this.#state, status: 'closed', error: null }
    this.#show()
  }

  async #askToken(): Promise<string | null> {
    const { token } = this.#settings
    return (typeof token === 'function' ? await token() : token) ?? null
  }

  #take(message: ChannelMessage<Messages>): void {
    this.#list.append(message)
    this.#timer.showSoon()
    this.#settings.onMessage?.(message)
  }

  #takeGap(gap: Gap): void | 'stop' | Promise<void | 'stop'> {
    this.#state = { ...this.#state, gap }
    this.#show()
    return this.#settings.onGap?.(gap)
  }

  #follow(status: SubscriptionStatus, error: TakoError | null): void {
    const subject = this.#subscription?.subject ?? null
    this.#state = { ...this.#state, status, error, subject }
    this.#show()
    // Within `subscribe` itself the subscription is not known yet; `#begin` follows once more.
    if (status === 'open' && this.#subscription !== null) void this.#loadHistory(this.#subscription)
  }

  async #loadHistory(subscription: Subscription<Messages>): Promise<void> {
    this.#liveFrom ??= subscription.cursor
    const limit = Math.min(this.#settings.historyLimit, this.#settings.limit)
    if (limit === 0 || this.#history !== 'wanted') return
    this.#history = 'loading'
    const life = this.#life
    const isPast = () => this.#life !== life || this.#history !== 'loading'
    try {
      const page = await subscription.history({ ...this.#before(), limit })
      if (isPast()) return
      this.#list.prepend(page.messages)
      this.#state = { ...this.#state, hasOlder: page.prev !== null }
      this.#history = 'done'
      this.#historyError = null
    } catch (cause) {
      if (isPast()) return
      this.#history = 'wanted' // Asked for again when the subscription opens the next time.
      this.#historyError = asTakoError(cause)
    }
    this.#show()
  }

  /** The page in front of what is shown, without a gap or a repeat at the seam. */
  #before(): HistoryQuery {
    const { oldestId } = this.#list
    if (oldestId !== undefined) return { before: oldestId }
    return this.#liveFrom === null ? {} : { until: this.#liveFrom }
  }

  async #loadOlder(limit = 50): Promise<number> {
    if (!this.#shown.hasOlder) return 0
    const life = this.#life
    const { messages, prev } = await this.#subscribed().history({ ...this.#before(), limit })
    if (this.#life !== life) return 0
    this.#list.prependOlder(messages)
    this.#state = { ...this.#state, hasOlder: prev !== null }
    this.#show()
    return messages.length
  }

  #retry(): void {
    if (this.#subscription !== null) this.#subscription.retry()
    else if (this.#isWanted) this.#begin() // The client had refused to subscribe at all.
  }

  #clear(): void {
    this.#list.clear()
    this.#history = 'done'
    this.#historyError = null
    this.#liveFrom = this.#subscription?.cursor ?? this.#liveFrom
    this.#state = { ...this.#state, gap: null, hasOlder: true }
    this.#show()
  }

  readonly #send: SendMessage<Messages> = async (
    first: string | OutgoingMessage<Messages>,
    second?: unknown,
    third?: SendOptions,
  ): Promise<Sent> => {
    type Type = keyof Messages & string
    if (typeof first === 'string') {
      return this.#subscribed().send(first as Type, second as Messages[Type], third)
    }
    return this.#subscribed().send(first.type, first.data, second as SendOptions | undefined)
  }

  #subscribed(): Subscription<Messages> {
    if (this.#subscription !== null) return this.#subscription
    throw new TakoError('aborted', `channel ${this.identity.name} is not subscribed`, {
      hint: 'Call this in an event handler or an effect while the component is mounted and enabled.',
    })
  }

  #show(): void {
    this.#timer.shown()
    const error = this.#state.error ?? this.#historyError
    const messages = this.#list.snapshot
    const hasOlder = this.#state.hasOlder || this.#list.hasDropped
    this.#shown = { ...this.#state, error, messages, hasOlder, ...this.#actions }
    this.#listener?.()
  }
}

/** A function may be another one on every render, and is asked at every need anyway. */
function isSameToken(one: Token | undefined, other: Token | undefined): boolean {
  return one === other || (typeof one === 'function' && typeof other === 'function')
}

function asTakoError(cause: unknown): TakoError {
  if (cause instanceof TakoError) return cause
  return new TakoError('connection-failed', String(cause), { cause })
}
