// TabPort: a feed's way to the server while tabs share a connection.
import type { TakoError } from '../error.js'
import type { Transport } from '../types.js'
import type { ChannelAddress } from './address.js'
import type { Outgoing, Port, PortEvents, Wishes } from './port.js'
import { type Answer, type Request, fromFault } from './tab_notes.js'
import type { Tabs } from './tabs.js'
import { askToken } from './token.js'
import type { Token } from './types.js'

let lastNumber = 0

/** A feed's way to the server: through the leader, or by its own port while this tab leads. */
export class TabPort implements Port {
  readonly number = ++lastNumber
  #isWanted = false
  #round = 0

  constructor(
    readonly tabs: Tabs,
    readonly address: ChannelAddress,
    readonly transport: Transport,
    readonly events: PortEvents,
    readonly token: () => Token | undefined,
    readonly local: Port,
  ) {}

  get window(): number {
    return this.local.window
  }

  want(): void {
    this.#isWanted = true
    this.tabs.remember(this)
    if (this.tabs.isLeader) this.local.want()
    else if (this.tabs.leader !== null) this.events.onUp()
  }

  subscribe(cursor: string | null, token: string | null, more: Wishes): void {
    if (this.tabs.isLeader) return this.local.subscribe(cursor, token, more)
    this.#round += 1
    const channel = { ...this.address, transport: this.transport }
    this.#ask({ op: 'subscribe', channel, cursor, token, more })
  }

  renew(token: string): void {
    if (this.tabs.isLeader) this.local.renew(token)
    else this.#ask({ op: 'renew' })
  }

  send(message: Outgoing): void {
    if (this.tabs.isLeader) this.local.send(message)
    else this.#ask({ op: 'send', message })
  }

  lastHeardMs(): number {
    return this.tabs.isLeader ? this.local.lastHeardMs() : this.tabs.lastHeardMs
  }

  drop(error: TakoError): void {
    if (this.tabs.isLeader) return this.local.drop(error)
    this.tabs.callLeader()
    this.events.onLost(error)
  }

  leave(): void {
    this.#isWanted = false
    this.local.leave()
    if (this.tabs.isLeader) return
    this.#ask({ op: 'leave' })
    this.tabs.forget(this)
  }

  /** Another tab leads, or this one does: from there on, at the feed's cursor. `lost`: one led before. */
  moveToLeader(lost: TakoError | null): void {
    this.#round += 1
    if (lost !== null && this.#isWanted) this.events.onLost(lost)
    if (this.#isWanted) this.want()
  }

  onAnswer(round: number, answer: Answer): void {
    if (answer.is === 'tokenWanted') return this.#tellToken()
    if (answer.is === 'sent') return this.events.onSent(answer.ref, answer.id)
    if (answer.is === 'sendFailed') {
      // `aborted` is about the leader's own subscription: the message goes again.
      const wasReceived = answer.fault.code !== 'aborted'
      return this.events.onSendFailed(answer.ref, fromFault(answer.fault), wasReceived)
    }
    if (round !== this.#round) return
    switch (answer.is) {
      case 'ready':
        return this.events.onReady(answer.id, answer.subject)
      case 'message':
        return this.events.onMessage(answer.message)
      case 'presence':
        return this.events.onPresence(answer.type, answer.data)
      case 'gap':
        return this.events.onGap(answer.gap)
      case 'refused':
        return this.events.onRefused(fromFault(answer.fault))
      case 'lost':
        this.events.onLost(fromFault(answer.fault))
        return this.events.onUp() // The leader waits for its connection; so does this feed.
    }
  }

  #ask(request: Request): void {
    this.tabs.request(this.number, this.#round, request)
  }

  #tellToken(): void {
    const { environment, timeoutMs } = this.tabs.host
    Promise.resolve(askToken(environment, this.token(), timeoutMs))
      .then((token) => this.#ask({ op: 'token', token }))
      .catch(environment.report) // The leader's own wait for it comes to an end.
  }
}
