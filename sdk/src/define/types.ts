// What an app says of a channel: the configuration that defineChannel takes.
import type { Static, TObject, Type } from '@sinclair/typebox'

import type { Params, Transport } from '../types.js'

/** What a client wants to do (docs/protocol.md section 8). */
export type Operation = 'subscribe' | 'connect' | 'history' | 'publish' | 'presence'

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
  rights?: readonly Operation[]
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

export interface HandlerContext<P = Params> {
  readonly channel: string
  readonly params: P
  readonly subject?: string
  readonly publishedBy: 'client' | 'server'
}

/**
 * What happens to a client's message of a type: `relay` stores and delivers it, `ephemeral` delivers
 * it live. A function is the original's form; this server version refuses it when it is pushed.
 */
export type Handler<P = Params> =
  | 'relay'
  | 'ephemeral'
  // The messages' types come later, by $messageTypes: here nobody knows what the data is.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  | ((data: any, context: HandlerContext<P>) => unknown)

/** All members are optional; docs/protocol.md section 9 has the defaults and the units. */
export interface ChannelConfig<
  S extends TObject = never,
  Type_ extends string = string,
  T extends Transport = Transport,
> {
  /** `(t) => t.Object({ roomId: t.String() })`, or a TypeBox schema. Its params partition the channel. */
  paramsSchema?: S | ((t: typeof Type) => S)
  /** Declared params that are checked and given to `verify`, but do not partition. */
  contextParams?: readonly ([S] extends [never] ? string : keyof Static<S> & string)[]
  /** `false`: public. Left out: nobody gets in, as there is no `verify` to ask. */
  auth?: false | AuthConfig<ParamsFrom<S>>
  /** What clients may publish; other types are refused. */
  handler?: { readonly [K in Type_]: Handler<ParamsFrom<S>> }
  /** `sse` refuses WebSockets. Default `ws`, which allows both. */
  transport?: T
  presence?: boolean
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
