// Tabs: one connection for all tabs of an origin.
//
// A Web Lock elects the leader: the tab that holds it subscribes for all; the others speak with it over
// a BroadcastChannel. To a follower's feed the leader is a server like any other: it subscribes there at
// a cursor of its own, and when the leader goes it subscribes at the next one, from where it stands.
// Every tab holds a lock of its own name, too; when the leader gets that one, the tab is gone.
import { TakoError } from '../error.js'
import type { Params, Transport } from '../types.js'
import type { ChannelAddress } from './address.js'
import type { Environment } from './environment.js'
import type { Outgoing, Port, PortEvents, Wishes } from './port.js'
import type { HandleOptions, PresenceHandle } from './presence_handle.js'
import { type Answer, type Note, type Request, toFault } from './tab_notes.js'
import { TabPort } from './tab_port.js'
import type { ConnectionStatus, Sent, SubscribeOptions, Subscription, Token } from './types.js'

type Messages = Record<string, unknown>

/**
 * The members of a tab that is gone may be those of a tab that is about to come, by a reload: they are
 * kept for as long as the server keeps those of a lost connection, if the definition does not say else.
 */
const graceMs = 5_000

/** What the tabs of a client need of it. */
export interface TabsHost {
  readonly environment: Environment
  readonly baseUrl: string
  readonly timeoutMs: number
  /** Subscribes on this tab's own connection. */
  subscribe(name: string, params: Params, options: SubscribeOptions<Messages>): HostSubscription
  status(): ConnectionStatus
  /** The leader's status, as a follower learns it; null: this tab leads. */
  onLeaderStatus(status: ConnectionStatus | null): void
}

export interface HostSubscription extends Subscription<Messages> {
  /** Its feed asks for the token anew. */
  renew(): void
  readonly presence: PresenceHandle | null
}

/** What the leader does for one feed of another tab. */
interface Guest {
  round: number
  subscription: HostSubscription | null
  /** Those who wait for the tab's token. */
  readonly tokenWaiters: ((token: string | null) => void)[]
}

export class Tabs {
  readonly id: string
  /** The tab that leads; null: nobody has said so yet. */
  leader: string | null = null
  lastHeardMs = 0
  readonly #name: string
  readonly #channel: BroadcastChannel
  readonly #ports = new Map<number, TabPort>()
  readonly #guests = new Map<string, Map<number, Guest>>()
  #releaseLocks = () => {}
  readonly #closing = new AbortController()

  constructor(
    readonly host: TabsHost,
    readonly seams: NonNullable<Environment['tabs']>,
  ) {
    this.id = host.environment.makeKey()
    this.#name = `tako-channels.v1:${host.baseUrl}`
    this.#channel = seams.makeChannel(this.#name)
    this.#channel.onmessage = ({ data }: MessageEvent<Note>) => this.#onNote(data)
    const released = new Promise<void>((resolve) => (this.#releaseLocks = resolve))
    this.#lock(`${this.#name}:${this.id}`, () => released)
    this.#lock(this.#name, () => {
      this.#lead()
      return released
    })
    this.#post({ kind: 'hello' })
  }

  get isLeader(): boolean {
    return this.leader === this.id
  }

  /** Tabs that this one subscribes for. */
  get hasGuests(): boolean {
    return this.#guests.size > 0
  }

  port(
    address: ChannelAddress,
    transport: Transport,
    events: PortEvents,
    token: () => Token | undefined,
    local: Port,
  ): Port {
    const port = new TabPort(this, address, transport, events, token, local)
    this.#ports.set(port.number, port)
    return port
  }

  forget(port: TabPort): void {
    this.#ports.delete(port.number)
  }

  remember(port: TabPort): void {
    this.#ports.set(port.number, port)
  }

  request(feed: number, round: number, request: Request): void {
    if (this.leader === null) return
    this.#post({ kind: 'request', to: this.leader, from: this.id, feed, round, request })
  }

  /** The leader does not answer: whoever leads says so again. */
  callLeader(): void {
    this.leader = null
    this.#post({ kind: 'hello' })
  }

  /** Followers learn how the connection is. */
  tellStatus(): void {
    if (this.isLeader) this.#post({ kind: 'leader', leader: this.id, status: this.host.status() })
  }

  close(): void {
    this.#closing.abort()
    this.#releaseLocks()
    for (const tab of [...this.#guests.keys()]) this.#dismiss(tab, 0)
    this.#channel.close()
  }

  #lock(name: string, whenHeld: () => Promise<void> | void): void {
    const { signal } = this.#closing
    this.seams.locks.request(name, { signal }, whenHeld).catch((error: unknown) => {
      if (!signal.aborted) this.host.environment.report(error)
    })
  }

  #lead(): void {
    this.#follow(this.id)
    this.host.onLeaderStatus(null)
    this.tellStatus()
  }

  #follow(leader: string): void {
    if (leader === this.leader) return
    const lost =
      this.leader === null
        ? null
        : new TakoError('connection-failed', 'another tab took over the connection')
    this.leader = leader
    for (const port of [...this.#ports.values()]) port.moveToLeader(lost)
  }

  #post(note: Note): void {
    if (!this.#closing.signal.aborted) this.#channel.postMessage(note)
  }

  #onNote(note: Note): void {
    switch (note.kind) {
      case 'hello':
        return this.tellStatus()
      case 'leader':
        if (this.isLeader) return // A late word of an earlier leader.
        this.lastHeardMs = this.host.environment.now()
        this.#follow(note.leader)
        return this.host.onLeaderStatus(note.status)
      case 'request':
        if (note.to === this.id && this.isLeader) this.#onRequest(note)
        return
      case 'answer':
        if (note.to !== this.id || this.isLeader) return
        this.lastHeardMs = this.host.environment.now()
        return this.#ports.get(note.feed)?.onAnswer(note.round, note.answer)
    }
  }

  #onRequest({ from, feed, round, request }: Note & { kind: 'request' }): void {
    const guest = this.#guestOf(from, feed)
    const answer = (said: Answer) => {
      this.#post({ kind: 'answer', to: from, feed, round, answer: said })
    }
    switch (request.op) {
      case 'subscribe':
        guest.subscription?.close()
        guest.round = round
        guest.subscription = this.#subscribeFor(guest, request, answer)
        return
      case 'leave':
        guest.subscription?.close()
        this.#guests.get(from)?.delete(feed)
        return
      case 'renew':
        return guest.subscription?.renew()
      case 'token':
        for (const resolve of guest.tokenWaiters.splice(0)) resolve(request.token)
        return
      case 'send':
        return this.#sendFor(guest, request.message, answer)
    }
  }

  #guestOf(tab: string, feed: number): Guest {
    let guests = this.#guests.get(tab)
    if (guests === undefined) {
      guests = new Map()
      this.#guests.set(tab, guests)
      this.#lock(`${this.#name}:${tab}`, () => this.#dismiss(tab, graceMs))
    }
    const guest = guests.get(feed) ?? { round: 0, subscription: null, tokenWaiters: [] }
    guests.set(feed, guest)
    return guest
  }

  #dismiss(tab: string, presenceMs: number): void {
    for (const { subscription } of this.#guests.get(tab)?.values() ?? []) {
      if (subscription === null) continue
      const isWaiting = presenceMs > 0 && subscription.presence !== null
      if (isWaiting) this.host.environment.setTimer(() => subscription.close(), presenceMs)
      else subscription.close()
    }
    this.#guests.delete(tab)
  }

  #subscribeFor(
    guest: Guest,
    { channel, cursor, token: first, more }: Request & { op: 'subscribe' },
    answer: (said: Answer) => void,
  ): HostSubscription {
    const { round } = guest
    let isFirst = true
    const subscription = this.host.subscribe(channel.name, channel.params, {
      transport: channel.transport,
      token: () => {
        if (isFirst) {
          isFirst = false
          return first
        }
        answer({ is: 'tokenWanted' })
        return new Promise((resolve) => guest.tokenWaiters.push(resolve))
      },
      ...(cursor === null ? {} : { lastEventId: cursor }),
      ...optionsOf(more, (type, data) => answer({ is: 'presence', type, data })),
      onMessage: (message) => answer({ is: 'message', message }),
      onGap: (gap) => answer({ is: 'gap', gap }),
      onStatus: (status, error) => {
        if (guest.round !== round) return
        if (status === 'open') {
          answer({ is: 'ready', id: subscription.cursor ?? '0', subject: subscription.subject })
        } else if ((status === 'waiting' || status === 'failed') && error !== null) {
          guest.subscription = null
          subscription.close()
          answer({ is: status === 'failed' ? 'refused' : 'lost', fault: toFault(error) })
        }
      },
    })
    return subscription
  }

  #sendFor(guest: Guest, message: Outgoing, answer: (said: Answer) => void): void {
    const { ref, type, data, echo, idempotencyKey } = message
    if (type === 'tako.presence') return this.#sayFor(guest, message, answer)
    const none = new TakoError('subscription-unknown', 'the leading tab has no such subscription')
    const options = { echo, ...(idempotencyKey === null ? {} : { idempotencyKey }) }
    const sending = guest.subscription?.send(type, data, options) ?? Promise.reject(none)
    sending.then(
      ({ id }: Sent) => answer({ is: 'sent', ref, id }),
      (error: TakoError) => answer({ is: 'sendFailed', ref, fault: toFault(error) }),
    )
  }

  #sayFor(guest: Guest, { ref, data }: Outgoing, answer: (said: Answer) => void): void {
    const { action, data: said } = data as { action: string; data?: unknown }
    const none = new TakoError('aborted', 'the leading tab has no such subscription')
    const saying = guest.subscription?.presence?.say(action, said) ?? Promise.reject(none)
    saying.then(
      () => answer({ is: 'sent', ref, id: null }),
      (error: TakoError) => answer({ is: 'sendFailed', ref, fault: toFault(error) }),
    )
  }
}

/** A follower's wishes as options of the leader's own subscription for it. */
function optionsOf(wishes: Wishes, onFrame: NonNullable<HandleOptions['onFrame']>) {
  const { rewind, presence, presenceEnter, presenceData } = wishes
  const options: HandleOptions = { watch: presence === 'counts' ? 'counts' : 'list', onFrame }
  if (presenceEnter === false) options.enter = false
  if (presenceData !== undefined) options.data = presenceData
  return {
    ...(rewind === undefined ? {} : { rewind: rewind as number | string }),
    ...(presence === undefined ? {} : { presence: options }),
  }
}
