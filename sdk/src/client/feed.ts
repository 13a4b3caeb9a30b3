// Feed: one channel's subscription on the server, and the subscribers of this client that share it.
//
// Each subscriber has its own cursor (audience.ts), and gets nothing that it has had. So nothing is lost or
// repeated, whoever joins when, and whatever breaks.
import { TakoError } from '../error.js'
import type { ChannelMessage } from '../types.js'
import type { ChannelAddress } from './address.js'
import { Audience, type Standing } from './audience.js'
import { Backoff, stableMs } from './backoff.js'
import type { ClientContext } from './http.js'
import { notLoaded } from './lazy_port.js'
import { type Entry, Outbox } from './outbox.js'
import type { Port, PortEvents } from './port.js'
import { isCovered } from './position.js'
import type { PresenceFeed } from './presence.js'
import type { PresenceHandle } from './presence_handle.js'
import { Renewal } from './renewal.js'
import type { SubscriptionEvent } from './subscription_state.js'
import { askToken, isAuthError } from './token.js'
import type { Gap, Token } from './types.js'

/** One subscriber of a feed. */
export interface Member extends Standing {
  readonly token: Token | undefined
  readonly presence: PresenceHandle | null
  /** What happens to the feed happens to each member that it serves. */
  onEvent(event: SubscriptionEvent, error: TakoError | null): void
  onMessage(message: ChannelMessage): void
  onGap(gap: Gap): void
}

/**
 * - `idle`: nobody is there yet, or the last has gone.
 * - `wanting`: no transport, or the token is not there yet; `asking`: the server's answer is awaited.
 * - `live`; `paused`: refused for now, a timer runs; `failed`: refused for good.
 */
type Phase = 'idle' | 'wanting' | 'asking' | 'live' | 'paused' | 'failed'

export class Feed implements PortEvents {
  readonly port: Port
  readonly outbox: Outbox<Member>
  subject: string | null = null
  error: TakoError | null = null
  /** Once somebody wants it and its code is there. */
  presence: PresenceFeed | null = null
  #loading: Promise<PresenceFeed> | null = null
  #phase: Phase = 'idle'
  readonly #audience = new Audience<Member>()
  /** The token is asked for more than once: only the latest answer counts. */
  #attempt = 0
  #isFreshTokenTried = false
  #isSettling = false
  readonly #backoff: Backoff
  #cancelTimer = () => {}
  readonly #renewal: Renewal

  constructor(
    readonly context: ClientContext,
    readonly address: ChannelAddress,
    readonly defaultToken: () => Token | undefined,
    makePort: (feed: Feed) => Port,
    readonly onEmpty: (feed: Feed) => void,
    readonly onMerged: (feed: Feed, into: Feed) => void,
  ) {
    this.port = makePort(this)
    this.outbox = new Outbox(context.environment, this.port, context)
    this.#backoff = new Backoff(context.backoff, context.environment.random)
    const give = (token: string) => this.port.renew(token)
    this.#renewal = new Renewal(context, () => this.token, give)
  }

  get members(): ReadonlySet<Member> {
    return this.#audience.members
  }

  get token(): Token | undefined {
    for (const { token } of this.#audience.members) if (token !== undefined) return token
    return this.defaultToken()
  }

  /** Takes effect in a microtask, with whatever else the caller does in this one. */
  join(member: Member): void {
    this.#audience.members.add(member)
    this.settle()
  }

  /** @throws {TakoError} (as a rejection) `connection-failed`: the code can't be had */
  loadPresence(): Promise<PresenceFeed> {
    return (this.#loading ??= import('./presence.js').then(
      ({ PresenceFeed }) => (this.presence = new PresenceFeed(this)),
      (cause: unknown) => {
        this.#loading = null
        throw notLoaded(cause)
      },
    ))
  }

  leave(member: Member): void {
    this.#audience.leave(member)
    this.outbox.abandon(member, aborted())
    this.settle()
  }

  /** A member's position went back: it gets what it missed. */
  rewind(member: Member): void {
    this.#audience.served.delete(member)
    this.settle()
  }

  send(entry: Entry<Member>): void {
    if (this.#phase === 'failed' && this.error) entry.reject(this.error)
    else this.outbox.add(entry)
  }

  /** Of a failed one: another attempt. */
  retry(): void {
    if (this.#phase !== 'failed') return
    this.#isFreshTokenTried = false
    this.error = null
    this.#tell('retried', null)
    this.#begin()
  }

  /** The default token changed. */
  tokenChanged(): void {
    if (this.#audience.members.size === 0) return // The last has just left; there is nobody to ask for.
    if (this.#phase === 'live') this.#renewal.start()
    else if (this.error !== null && isAuthError(this.error)) this.retry()
  }

  /** Ends a wait at once. */
  wake(): void {
    if (this.#phase === 'paused') this.#begin()
  }

  onUp(): void {
    if (this.#phase === 'wanting') void this.#ask()
  }

  onReady(id: string, subject: string | null): void {
    if (this.#phase !== 'asking') return
    this.#phase = 'live'
    this.#cancelTimer()
    this.#cancelTimer = this.context.environment.setTimer(() => {
      this.#backoff.reset()
      this.#isFreshTokenTried = false
    }, stableMs)
    this.subject = subject
    this.error = null
    this.#audience.begin(id)
    this.presence?.ready()
    this.#tell('opened', null)
    this.outbox.open()
    this.settle()
  }

  onMessage(message: ChannelMessage): void {
    if (this.#phase === 'live' && this.#advance(message.id)) this.#deliver(message, null)
  }

  onGap(gap: Gap): void {
    if (this.#phase !== 'live') return
    for (const member of this.#audience.passGap(gap.to)) {
      // A callback may have closed it.
      if (this.#audience.members.has(member)) member.onGap(gap)
    }
    this.settle()
  }

  onPresence(type: string, data: unknown): void {
    this.presence?.take(type, data)
  }

  onRenewalDue(): void {
    this.#renewal.due()
  }

  onLost(error: TakoError): void {
    if (this.#phase === 'idle' || this.#phase === 'paused' || this.#phase === 'failed') return
    this.#stop('wanting', error)
    this.#tell('lost', error)
    this.settle()
  }

  onRefused(error: TakoError): void {
    if (this.#phase === 'idle' || this.#phase === 'failed') return
    const mayBeStale = isAuthError(error) && typeof this.token === 'function'
    const isTokenToBlame = mayBeStale && !this.#isFreshTokenTried
    if (isTokenToBlame) this.#isFreshTokenTried = true
    if (!error.retryable && !isTokenToBlame) return this.#fail(error)
    this.#stop('paused', error)
    this.port.leave()
    this.#tell('lost', error)
    if (this.#audience.members.size === 0) return this.settle()
    const delayMs = isTokenToBlame ? 0 : this.#backoff.next(error.retryAfterMs)
    this.#cancelTimer = this.context.environment.setTimer(() => this.#begin(), delayMs)
  }

  onJoined(other: PortEvents): void {
    const feed = other as Feed
    const members = [...this.#audience.members]
    this.#audience.members.clear()
    this.#stop('idle', aborted())
    this.port.leave()
    this.outbox.moveTo(feed.outbox)
    this.onMerged(this, feed)
    for (const member of members) feed.join(member)
  }

  onSent(ref: number, id: string | null): void {
    if (this.presence?.answer(ref, null)) return
    const entry = this.outbox.sent(ref, id)
    // With echo:false the answer is the delivery: it takes the message's place in the order.
    if (
      entry &&
      !entry.echo &&
      this.#phase === 'live' &&
      !(id && isCovered(id, this.#audience.position))
    ) {
      const { type, data } = entry
      const subject = this.subject === null ? {} : { subject: this.subject }
      const position = id === null ? {} : { id }
      const message = { ...position, channel: this.address.name, type, data, ...subject }
      if (id !== null) this.#audience.position = id
      this.#deliver(message, entry.owner)
    }
    this.settle()
  }

  onSendFailed(ref: number, error: TakoError, wasReceived: boolean): void {
    if (!this.presence?.answer(ref, error, wasReceived)) {
      this.outbox.failed(ref, error, wasReceived)
    }
    this.settle()
  }

  /** The client was closed. */
  close(): void {
    for (const member of [...this.#audience.members]) member.onEvent('closed', null)
    this.#audience.members.clear()
    this.#end()
  }

  /** Looks again, soon, at who is there and what each of them needs. */
  settle(): void {
    if (this.#isSettling) return
    this.#isSettling = true
    queueMicrotask(() => {
      this.#isSettling = false
      this.#settleNow()
    })
  }

  #settleNow(): void {
    if (this.#audience.members.size === 0) {
      // Answers on their way are awaited: to what was sent, and to a subscribe without a key yet.
      if (this.#phase === 'asking' || this.outbox.inFlight > 0) return
      return this.#end()
    }
    if (
      this.#phase === 'failed' &&
      [...this.#audience.members].some((member) => !this.#audience.served.has(member))
    ) {
      this.retry() // Somebody new asks: perhaps things have changed.
    } else if (this.#phase === 'idle') {
      this.#begin()
    } else if (this.#phase === 'live') {
      this.#align()
    }
  }

  #end(): void {
    this.#stop('idle', aborted())
    this.outbox.fail(aborted())
    this.port.leave()
    this.onEmpty(this)
  }

  /** Members that join a live feed: at its position they are served; elsewhere it starts anew. */
  #align(): void {
    if (this.#wantsPresence() && this.presence === null) {
      this.loadPresence().then(() => this.settle(), this.context.environment.report)
    }
    const admitted = this.presence?.settle() ? null : this.#audience.admit()
    if (admitted === null) return this.#begin()
    for (const member of admitted) member.onEvent('opened', null)
  }

  #wantsPresence(): boolean {
    return [...this.#audience.members].some(({ presence }) => presence)
  }

  #begin(): void {
    this.#cancelTimer()
    this.#renewal.stop()
    this.#attempt += 1
    this.#phase = 'wanting'
    this.port.want()
  }

  async #ask(): Promise<void> {
    const attempt = ++this.#attempt
    for (const member of this.#audience.members) member.onEvent('attempted', this.error)
    const { environment, timeoutMs } = this.context
    let token: string | null
    try {
      if (this.#wantsPresence() && this.presence === null) await this.loadPresence()
      const asked = askToken(environment, this.token, timeoutMs)
      token = asked instanceof Promise ? await asked : asked
    } catch (error) {
      if (attempt === this.#attempt) this.onRefused(error as TakoError)
      return
    }
    if (attempt !== this.#attempt || this.#phase !== 'wanting') return
    this.#phase = 'asking'
    this.outbox.pause()
    const start = this.#audience.pickStart()
    this.#cancelTimer = environment.setTimer(() => {
      this.port.drop(new TakoError('timeout', `no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    const { rewind } = this.#audience
    this.port.subscribe(start, token, { rewind, ...this.presence?.wish() })
  }

  /** False, and a fault told, for a message that this server subscription should not have sent. */
  #advance(id: string | undefined): boolean {
    if (id === undefined) return true
    if (isCovered(id, this.#audience.position)) {
      const text = `message ${id} came behind ${this.#audience.position}`
      const hint = 'The server repeated a message or changed the order; it was not delivered.'
      this.onRefused(new TakoError('answer-malformed', text, { hint, retryable: true }))
      return false
    }
    this.#audience.position = id
    return true
  }

  #deliver(message: ChannelMessage, sender: Member | null): void {
    // Not a copy: a callback may close others, which then get no more.
    for (const member of this.#audience.served) {
      if (message.id !== undefined) {
        if (isCovered(message.id, member.position)) continue
        member.position = message.id
      }
      if (member !== sender) member.onMessage(message)
    }
  }

  #fail(error: TakoError): void {
    this.#stop('failed', error)
    this.outbox.fail(error)
    for (const member of this.#audience.members) this.#audience.served.add(member)
    this.#tell('refused', error)
    this.port.leave()
    this.settle()
  }

  #stop(phase: Phase, error: TakoError): void {
    this.#cancelTimer()
    this.#renewal.stop()
    this.#attempt += 1
    this.#phase = phase
    this.error = error
    this.#audience.scatter()
    this.presence?.lost(phase === 'failed' || phase === 'idle' ? error : null)
    this.outbox.shut(error)
  }

  /** `opened` is for those that are served; the rest concerns all. */
  #tell(event: SubscriptionEvent, error: TakoError | null): void {
    const members = event === 'opened' ? this.#audience.served : this.#audience.members
    for (const member of [...members]) member.onEvent(event, error)
  }
}

function aborted(): TakoError {
  return new TakoError('aborted', 'the subscription was closed')
}
