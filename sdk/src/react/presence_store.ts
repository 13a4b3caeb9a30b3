// One hook's presence outside of React: opens and closes the subscription, keeps what was last said of it.
import type { Presence, SubscribeOptions, Subscription, Token } from '../client/types.js'
import { TakoError } from '../error.js'
import type { ChannelName, MessagesOf, ParamsOf, PresenceOf } from '../registry.js'
import type { Transport } from '../types.js'
import type { ClientSource } from './client_source.js'
import { ShowTimer } from './show_timer.js'
import type { UsePresenceResult } from './types.js'
import { valueKey } from './value_key.js'

/** What makes a subscription this one and no other. */
export interface PresenceIdentity {
  readonly source: ClientSource
  readonly name: ChannelName
  readonly paramsKey: string
  readonly transport: Transport | undefined
  readonly watch: 'list' | 'counts'
}

/** What may change while it stays. */
export interface PresenceSettings {
  readonly enter: boolean | undefined
  readonly data: unknown
  readonly token: Token | undefined
}

type Who = PresenceOf<ChannelName>
type State = UsePresenceResult<Who>

const nobody: State['members'] = []

/** Pure until `open`; closed and opened again it begins anew, and shows what it had until then. */
export class PresenceStore {
  readonly identity: PresenceIdentity
  readonly initial: State
  #settings: PresenceSettings
  #shown: State
  #subscription: Subscription<MessagesOf<ChannelName>, Who> | null = null
  #listener: (() => void) | null = null
  readonly #timer = new ShowTimer(() => this.#show())
  readonly #params: ParamsOf<ChannelName>
  #saidKey = ''

  constructor(
    identity: PresenceIdentity,
    params: ParamsOf<ChannelName>,
    settings: PresenceSettings,
    status: State['status'],
  ) {
    this.identity = identity
    this.#params = params
    this.#settings = settings
    this.initial = {
      status,
      members: nobody,
      self: null,
      occupancy: null,
      count: 0,
      error: null,
      update: async (data) => this.#presence().update(data),
      enter: async (data) => this.#presence().enter(data),
      leave: async () => this.#presence().leave(),
    }
    this.#shown = this.initial
  }

  readonly open = (listener: () => void): (() => void) => {
    this.#listener = listener
    this.#begin()
    return () => {
      this.#listener = null
      this.#end()
    }
  }

  /** For a hook that is not enabled. */
  readonly watch = (listener: () => void): (() => void) => {
    this.#listener = listener
    return () => (this.#listener = null)
  }

  readonly snapshot = (): State => this.#shown

  adopt(settings: PresenceSettings): void {
    this.#settings = settings
  }

  /** Says what the component says of its member, when that is another value than before. */
  applySettings(): void {
    const { enter, data } = this.#settings
    const key = valueKey([enter, data])
    const presence = this.#subscription?.presence
    if (!presence || key === this.#saidKey) return
    const [enteredBefore] = JSON.parse(this.#saidKey) as [boolean | null]
    this.#saidKey = key
    const isEntered = enter !== false
    const saying =
      isEntered !== (enteredBefore !== false)
        ? isEntered
          ? presence.enter(data as Who['data'])
          : presence.leave()
        : data === undefined
          ? undefined
          : presence.update(data as Who['data'])
    saying?.catch(() => {}) // `error` says it.
  }

  #begin(): void {
    const { name, transport, watch } = this.identity
    const { enter, data, token } = this.#settings
    this.#saidKey = valueKey([enter, data])
    const options: SubscribeOptions<MessagesOf<ChannelName>, Who> = {
      ...(transport === undefined ? {} : { transport }),
      ...(token === undefined ? {} : { token: async () => this.#askToken() }),
      presence: {
        watch,
        ...(enter === undefined ? {} : { enter }),
        ...(data === undefined ? {} : { data: data as Who['data'] }),
      },
      onPresence: () => this.#timer.showSoon(),
      onStatus: () => this.#show(),
    }
    try {
      this.#subscription = this.identity.source
        .get()
        .subscribe<ChannelName>(name, this.#params, options)
      this.#show()
    } catch (cause) {
      const error =
        cause instanceof TakoError
          ? cause
          : new TakoError('connection-failed', String(cause), { cause })
      this.#shown = { ...this.#shown, status: 'failed', error }
      this.#listener?.()
    }
  }

  #end(): void {
    this.#timer.stop()
    this.#subscription?.close()
    this.#subscription = null
    this.#shown = { ...this.#shown, status: 'closed', error: null }
  }

  async #askToken(): Promise<string | null> {
    const { token } = this.#settings
    return (typeof token === 'function' ? await token() : token) ?? null
  }

  #show(): void {
    const presence = this.#subscription?.presence
    if (!presence || this.#subscription === null) return
    const { status, error } = this.#subscription
    const { members, self, occupancy, kind } = presence
    // Open without an answer yet, or without what was asked for.
    const unknown = kind === null ? 'connecting' : kind === 'off' ? 'off' : status
    this.#shown = {
      ...this.#shown,
      status: status === 'open' ? unknown : status,
      members,
      self,
      occupancy,
      count: kind === 'list' ? members.length : (occupancy?.subjects ?? 0),
      error: error ?? presence.error,
    }
    this.#listener?.()
  }

  #presence(): Presence<Who> {
    if (this.#subscription?.presence) return this.#subscription.presence
    throw new TakoError('aborted', `channel ${this.identity.name} is not subscribed`, {
      hint: 'Call this in an event handler or an effect while the component is mounted and enabled.',
    })
  }
}
