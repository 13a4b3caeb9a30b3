// What an app says of a channel: the configuration that defineChannel takes.
import type { Static, TObject, Type } from '@sinclair/typebox'

import type { WebhookType } from '../webhook_types.js'
import type { Params, Transport } from '../types.js'

/** What a client wants to do (docs/protocol.md section 8). */
export type Operation = 'subscribe' | 'connect' | 'history' | 'publish' | 'presence'

/** What a grant may allow; `subscribe` stands for every way to listen. */
export type Right = 'subscribe' | 'publish' | 'presence' | 'history'

/** Params as the schema types them; without a schema whatever the client sent. */
export type ParamsFrom<S extends TObject> = [S] extends [never] ? Params : Static<S>

/** What the app's `verify` is told of a client. */
export interface VerifyInput<P = Params> {
  /** The app's id; `default` unless several are configured. */
  readonly app: string
  /** The channel's name, without its params. */
  readonly channel: string
  readonly operation: Operation
  readonly params: P
  /** The declared header, split at its first blank: `Bearer abc` is `{scheme: 'Bearer', value: 'abc'}`. */
  readonly header?: { readonly scheme?: string; readonly value: string }
  /** The declared cookie's value, as the browser sent it. */
  readonly cookie?: string
  /** The client's address. */
  readonly ip?: string
}

/** What `verify` may say of a client that it lets in. */
export interface Grant {
  /** Who this is; stamped on the messages that the client publishes. At most 256 bytes. */
  subject?: string
  /** Ms since 1970: the permission ends then, unless it is renewed. */
  expiresAt?: number
  /** This answer may serve equal calls for so many ms; at most 60,000. */
  ttlMs?: number
  /** What the client may do; all, when left out. */
  rights?: readonly Right[]
  /** What others are shown of this member (`info`), where the definition has `presence`: JSON. */
  presence?: unknown
  keepaliveIntervalMs?: number
  maxConnectionLifetimeMs?: number
}

/** `true` or a grant lets the client in; `false`, `null` and nothing refuse it. */
export type Verdict = boolean | Grant | null | undefined | void

export interface AuthConfig<P = Params> {
  /** The header that carries the credential; `false`: none does. Default `authorization`. */
  headerName?: string | false
  /** The cookie that carries it. */
  cookieName?: string
  verify(input: VerifyInput<P>): Verdict | Promise<Verdict>
}

/** What a handler function is told of a message, beside its data. */
export interface HandlerContext<P = Params> {
  readonly app: string
  /** The channel's name, without its params. */
  readonly channel: string
  readonly params: P
  readonly type: string
  /** Who sends it, as `verify` said. */
  readonly subject?: string
  /** Of the message; a message that is sent again with it comes here again, and is published once. */
  readonly idempotencyKey?: string
  /** The client's address. */
  readonly ip?: string
  /** Of the original; the app's own publishes do not come here. */
  readonly publishedBy: 'client'
}

/**
 * Asked what becomes of a client's message: what it returns is published, stamped with the sender's
 * subject; `undefined`: nothing is. `reject(reason)` tells the sender no. Any other exception is a
 * fault of the app: the sender is told `unavailable`, and may send it again.
 */
export type HandlerFunction<P = Params, Data = never> = {
  // A method, whose parameter may be narrower than `Data` where the compiler could not infer that.
  handle(data: Data, context: HandlerContext<P>): unknown
}['handle']

/**
 * What happens to a client's message of a type: `relay` stores and delivers it as it was sent,
 * `ephemeral` delivers it live and stores nothing, a function decides.
 */
export type Handler<P = Params, Data = never> = 'relay' | 'ephemeral' | HandlerFunction<P, Data>

/** Who is in a channel; docs/presence.md. */
export interface PresenceConfig {
  /** `counts`: how many only, for very large rooms. Default `members`. */
  list?: 'members' | 'counts'
  /** Whoever is back within it never left. Default 5,000. */
  graceMs?: number
  /** Changes of so long are told together. Default 100. */
  batchMs?: number
  /** More are not listed, and told so. Default 10,000. */
  membersMax?: number
  /** Of one member's data, and of its info. Default 1,024. */
  dataBytesMax?: number
}

/** Client messages a second, each with a burst of two seconds' worth; 0: no limit. */
export interface ClientRate {
  connection?: number
  subject?: number
  channel?: number
}

/** All members are optional; docs/protocol.md section 9 has the defaults and the units. */
export interface ChannelConfig<
  S extends TObject = never,
  H extends object = Record<string, never>,
  T extends Transport = Transport,
> {
  /** `(t) => t.Object({ roomId: t.String() })`, or a TypeBox schema. Its params partition the channel. */
  paramsSchema?: S | ((t: typeof Type) => S)
  /** Declared params that are checked and given to `verify`, but do not partition. */
  contextParams?: readonly ([S] extends [never] ? string : keyof Static<S> & string)[]
  /** `false`: public. Left out: nobody gets in, as there is no `verify` to ask. */
  auth?: false | AuthConfig<ParamsFrom<S>>
  /** What clients may publish; other types are refused. */
  handler?: { readonly [K in keyof H]: Handler<ParamsFrom<S>, H[K]> }
  /** How many messages clients may send. Default: 100 a second a connection, 200 a subject, 5,000. */
  clientRate?: ClientRate
  /** `sse` refuses WebSockets. Default `ws`, which allows both. */
  transport?: T
  /** Whether the server keeps a list of who is there. Default `false`. */
  presence?: boolean | PresenceConfig
  /** What `onEvent` of createTako is told of; `true`: everything. Default `false`. */
  webhooks?: boolean | readonly WebhookType[]
  /** How long messages are kept for replay. Default 600,000. */
  replayWindowMs?: number
  /** How many. Default 10,000. */
  maxMessages?: number
  inactivityTtlMs?: number
  keepaliveIntervalMs?: number
  maxConnectionLifetimeMs?: number
  /** What a client that does not keep up gets. Default `resume`. */
  slow?: 'resume' | 'latest' | 'disconnect'
}
