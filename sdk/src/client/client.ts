// createClient: the page's channels over one WebSocket, and event streams where asked for.
import { TakoError } from '../error.js'
import type { Transport } from '../types.js'
import type { ChannelName, MessagesOf, NeedsParams, ParamsOf, PresenceOf } from '../registry.js'
import { addressKey, channelAddress } from './address.js'
import { type Environment, environment } from './environment.js'
import type { EventStreamPort } from './event_stream.js'
import { Feed } from './feed.js'
import type { ClientContext } from './http.js'
import { LazyPort } from './lazy_port.js'
import type { Port } from './port.js'
import { parsePosition } from './position.js'
import { ClientSubscription } from './subscription.js'
import type {
  ClientOptions,
  ConnectionStatus,
  SubscribeOptions,
  Subscription,
  Token,
} from './types.js'
import type { Tabs } from './tabs.js'
import { WebSocketHub } from './websocket.js'

export interface TakoClient {
  /** Of all transports in use: waiting, if one waits; else connecting, open, idle. */
  readonly status: ConnectionStatus
  /**
   * Subscribes to a channel. Subscriptions to the same channel share one on the server.
   * @throws {TakoError} `usage-invalid` for what can't be right; what the server says is told by status
   */
  subscribe<Name extends ChannelName>(
    name: Name,
    params: NeedsParams<Name> extends true ? ParamsOf<Name> : ParamsOf<Name> | undefined,
    options?: SubscribeOptions<MessagesOf<Name>, PresenceOf<Name>>,
  ): Subscription<MessagesOf<Name>, PresenceOf<Name>>
  /** Calls at each change; the result stops it. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void
  /** The credential of all subscriptions without their own; those refused for it are tried again. */
  setToken(token: Token): void
  /** Ends everything, for good. */
  close(): void
}

/**
 * A client of one edge. It connects when something is subscribed.
 * @param seams the outside world, for tests
 */
export function createClient(
  options: ClientOptions = {},
  seams: Partial<Environment> = {},
): TakoClient {
  const given = { ...seams }
  const { fetch, WebSocket } = options
  if (fetch) given.fetch = (url, init) => fetch(url, init)
  if (WebSocket) given.WebSocket = WebSocket
  return new Client(options, environment(given)) as unknown as TakoClient
}

type Messages = Record<string, unknown>

/** The worst first: what a user would want to know. */
const order: ConnectionStatus[] = ['waiting', 'connecting', 'open', 'idle']

class Client {
  status: ConnectionStatus = 'idle'
  readonly #context: ClientContext
  readonly #hub: WebSocketHub
  readonly #streams = new Set<EventStreamPort>()
  /** By the client's own key and transport; two may lead to one feed. */
  readonly #feeds = new Map<string, Feed>()
  readonly #subscriptions = new Set<ClientSubscription>()
  readonly #listeners = new Set<(status: ConnectionStatus) => void>()
  #token: Token | undefined
  /** Resolves to null where tabs can't share. */
  readonly #tabs: Promise<Tabs | null> | null
  #joined: Tabs | null = null
  /** Of the tab that leads, while another does. */
  #leaderStatus: ConnectionStatus | null = null
  readonly #stopListening: () => void

  constructor(options: ClientOptions, environment: Environment) {
    const baseUrl = (options.baseUrl ?? environment.origin ?? '').replace(/\/+$/, '')
    this.#context = {
      environment,
      baseUrl,
      timeoutMs: options.timeoutMs ?? 10_000,
      queueMax: options.queueMax ?? 100,
      backoff: {
        firstMs: options.backoff?.firstMs ?? 500,
        maxMs: options.backoff?.maxMs ?? 30_000,
      },
    }
    this.#token = options.token
    this.#hub = new WebSocketHub(this.#context, () => this.#updateStatus())
    this.#tabs = options.shareTabs && environment.tabs ? this.#joinTabs(environment.tabs) : null
    this.#stopListening = environment.onPage((event) => {
      if (event === 'hide') return this.#subscriptions.forEach((each) => this.#remember(each))
      this.#hub.wake()
      for (const stream of this.#streams) stream.wake(event === 'online')
      for (const feed of new Set(this.#feeds.values())) feed.wake()
    })
  }

  subscribe(
    name: string,
    params: Messages | undefined,
    options: SubscribeOptions<Messages> = {},
  ): Subscription<Messages> {
    this.#check(options)
    const transport = options.transport ?? 'ws'
    const address = channelAddress(name, params)
    const key = `${transport} ${addressKey(address)}`
    const feed = this.#feeds.get(key) ?? this.#makeFeed(key, transport, address)
    const storageKey = `tako-channels:${this.#context.baseUrl} ${addressKey(address)}`
    const { storage } = this.#context.environment
    const stored = options.resumeOnReload ? storage?.getItem(storageKey) : null
    const start = stored && parsePosition(stored) ? stored : (options.lastEventId ?? null)
    const subscription = new ClientSubscription(feed, options, start, storageKey, (closed) => {
      this.#remember(closed)
      this.#subscriptions.delete(closed)
    })
    this.#subscriptions.add(subscription)
    feed.join(subscription)
    return subscription
  }

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  setToken(token: Token): void {
    this.#token = token
    for (const feed of new Set(this.#feeds.values())) feed.tokenChanged()
  }

  close(): void {
    if (this.status === 'closed') return
    this.#stopListening()
    // Other tabs go on with what this one held for them: that is no goodbye.
    if (this.#joined?.hasGuests) {
      this.#hub.connection.lost(new TakoError('aborted', 'another tab takes over'))
    }
    for (const feed of new Set(this.#feeds.values())) feed.close()
    this.#feeds.clear()
    this.#hub.close()
    void this.#tabs?.then((tabs) => tabs?.close())
    this.#setStatus('closed')
  }

  #check({ lastEventId }: SubscribeOptions<Messages>): void {
    const usage = (text: string, hint: string) => new TakoError('usage-invalid', text, { hint })
    if (this.status === 'closed') throw usage('the client is closed', 'Make another.')
    if (this.#context.baseUrl === '') {
      throw usage('there is no page whose origin could be used', 'Give createClient a baseUrl.')
    }
    if (lastEventId !== undefined && parsePosition(lastEventId) === null) {
      throw usage(`'${lastEventId}' is no cursor`, "Give the id of a message, or '0'.")
    }
  }

  /** The code comes when it is wanted; without it this tab has a connection of its own. */
  async #joinTabs(seams: NonNullable<Environment['tabs']>): Promise<Tabs | null> {
    const { environment, baseUrl, timeoutMs } = this.#context
    try {
      const { Tabs } = await import('./tabs.js')
      const tabs = new Tabs(
        {
          environment,
          baseUrl,
          timeoutMs,
          subscribe: (...given) => this.subscribe(...given) as ClientSubscription,
          status: () => this.status,
          onLeaderStatus: (status) => {
            this.#leaderStatus = status
            this.#updateStatus()
          },
        },
        seams,
      )
      this.onStatus(() => tabs.tellStatus())
      return (this.#joined = tabs)
    } catch (error) {
      environment.report(error)
      return null
    }
  }

  #makeFeed(key: string, transport: Transport, address: Feed['address']): Feed {
    let stream: EventStreamPort | null = null
    const loadStream = async (feed: Feed) => {
      const { EventStreamPort } = await import('./event_stream.js')
      const onStatus = () => this.#updateStatus()
      stream = new EventStreamPort(this.#context, address, feed, () => feed.token, onStatus)
      if (this.#feeds.get(key) === feed) this.#streams.add(stream)
      return stream
    }
    const makePort = (feed: Feed): Port => {
      const own =
        transport === 'ws'
          ? this.#hub.port(address, feed)
          : new LazyPort(() => loadStream(feed), feed)
      if (this.#tabs === null) return own
      const token = () => feed.token
      const share = async () => {
        return (await this.#tabs)?.port(address, transport, feed, token, own) ?? own
      }
      return new LazyPort(share, feed)
    }
    const forget = (gone: Feed) => {
      for (const [name, feed] of this.#feeds) if (feed === gone) this.#feeds.delete(name)
      if (stream !== null) this.#streams.delete(stream)
      this.#updateStatus()
    }
    const merge = (gone: Feed, into: Feed) => {
      for (const [name, feed] of this.#feeds) if (feed === gone) this.#feeds.set(name, into)
      for (const each of this.#subscriptions) if (each.feed === gone) each.feed = into
    }
    const token = () => this.#token
    const feed = new Feed(this.#context, address, token, makePort, forget, merge)
    this.#feeds.set(key, feed)
    return feed
  }

  #remember(subscription: ClientSubscription): void {
    const { cursor, options, storageKey } = subscription
    if (!options.resumeOnReload || cursor === null) return
    try {
      this.#context.environment.storage?.setItem(storageKey, cursor)
    } catch (error) {
      this.#context.environment.report(error) // The storage is full.
    }
  }

  #updateStatus(): void {
    if (this.status === 'closed') return
    const all = [this.#hub.connection.status, this.#leaderStatus]
    for (const stream of this.#streams) all.push(stream.connection.status)
    this.#setStatus(order.find((status) => all.includes(status)) ?? 'idle')
  }

  #setStatus(status: ConnectionStatus): void {
    if (status === this.status) return
    this.status = status
    for (const listener of [...this.#listeners]) listener(status)
  }
}
