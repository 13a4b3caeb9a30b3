// A scripted client: the test says what each subscription hears, and sees what the hooks do with it.
import type {
  ConnectionStatus,
  Gap,
  Presence,
  SendOptions,
  Sent,
  SubscribeOptions,
  Subscription,
  SubscriptionStatus,
  Token,
} from '../../src/client/types.js'
import { TakoError } from '../../src/error.js'
import type { Member, Occupancy } from '../../src/presence_types.js'
import type { TakoClient } from '../../src/client/index.js'
import type { ChannelMessage, HistoryPage, HistoryQuery } from '../../src/types.js'

/** The message at an offset. */
export function messageAt(offset: number, text = `m${offset}`): ChannelMessage {
  return { id: `${offset}-aaaaaaaa`, channel: 'chat', type: 'msg', data: { text } }
}

export class FakePresence implements Presence<any> {
  kind: Presence['kind'] = null
  members: readonly Member<any>[] = []
  self: Member<any> | null = null
  occupancy: Occupancy | null = null
  error: TakoError | null = null
  readonly said: unknown[][] = []
  /** What every word is answered. */
  answer: () => Promise<void> = () => Promise.resolve()

  update(data: unknown): Promise<void> {
    this.said.push(['update', data])
    return this.answer()
  }

  enter(data?: unknown): Promise<void> {
    this.said.push(['enter', data])
    return this.answer()
  }

  leave(): Promise<void> {
    this.said.push(['leave'])
    return this.answer()
  }
}

export class FakeSubscription implements Subscription<any, any> {
  status: SubscriptionStatus = 'connecting'
  error: TakoError | null = null
  cursor: string | null = null
  subject: string | null = null
  readonly presence: FakePresence | null
  hasOlder = true
  closed = 0
  retried = 0
  readonly sent: unknown[][] = []
  readonly historyQueries: (HistoryQuery | undefined)[] = []
  /** What `history` answers. */
  answerHistory: () => Promise<HistoryPage> = () => Promise.resolve(page([]))

  constructor(
    readonly channel: string,
    readonly params: unknown,
    readonly options: SubscribeOptions<any, any>,
  ) {
    this.presence = options.presence ? new FakePresence() : null
  }

  /** The server tells who is there. */
  shows(change: Partial<FakePresence>): void {
    Object.assign(this.presence ?? {}, change)
    this.options.onPresence?.([], this.presence as FakePresence)
  }

  opens(cursor: string, subject: string | null = null): void {
    this.cursor = cursor
    this.subject = subject
    this.is('open')
  }

  is(status: SubscriptionStatus, error: TakoError | null = null): void {
    this.status = status
    this.error = error
    this.options.onStatus?.(status, error)
  }

  /** Delivers, even after `close`: what is on its way can't be called back. */
  delivers(...messages: ChannelMessage[]): void {
    for (const message of messages) {
      this.cursor = message.id ?? this.cursor
      this.options.onMessage?.(message)
    }
  }

  tellsGap(gap: Gap): ReturnType<NonNullable<SubscribeOptions<any>['onGap']>> {
    return this.options.onGap?.(gap)
  }

  send(type: string, data: unknown, options?: SendOptions): Promise<Sent> {
    this.sent.push(options === undefined ? [type, data] : [type, data, options])
    return Promise.resolve({ id: '9-aaaaaaaa' })
  }

  history(query?: HistoryQuery): Promise<HistoryPage<any>> {
    this.historyQueries.push(query)
    return this.answerHistory()
  }

  async older(limit?: number): Promise<any[]> {
    return (await this.history(limit === undefined ? {} : { limit })).messages
  }

  retry(): void {
    this.retried += 1
  }

  close(): void {
    this.closed += 1
    this.status = 'closed'
  }
}

export class FakeClient implements TakoClient {
  status: ConnectionStatus = 'idle'
  readonly subscriptions: FakeSubscription[] = []
  readonly tokens: Token[] = []
  readonly listeners = new Set<(status: ConnectionStatus) => void>()
  closed = 0
  /** Runs on each new subscription, within `subscribe`. */
  onSubscribe: (subscription: FakeSubscription) => void = () => {}

  get last(): FakeSubscription {
    const last = this.subscriptions.at(-1)
    if (last === undefined) throw new Error('nothing was subscribed')
    return last
  }

  /** Those that are not closed. */
  get live(): FakeSubscription[] {
    return this.subscriptions.filter(({ closed }) => closed === 0)
  }

  subscribe(
    name: string,
    params: unknown,
    options: SubscribeOptions<any, any> = {},
  ): FakeSubscription {
    if (this.closed > 0) throw new TakoError('aborted', 'the client is closed')
    const subscription = new FakeSubscription(name, params, options)
    this.subscriptions.push(subscription)
    this.onSubscribe(subscription)
    return subscription
  }

  becomes(status: ConnectionStatus): void {
    this.status = status
    for (const listener of this.listeners) listener(status)
  }

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  setToken(token: Token): void {
    this.tokens.push(token)
  }

  close(): void {
    this.closed += 1
  }
}

export function page(messages: ChannelMessage[]): HistoryPage {
  return { messages, next: null, prev: null }
}
