// defineChannel: a channel's name, rules and types, as one value that the app imports.
import type { TObject } from '@sinclair/typebox'

import { TakoError } from '../error.js'
import type { PresenceTypes } from '../presence_types.js'
import type { ChannelShape, MessageTypes, Params, Transport } from '../types.js'
import { type ChannelHandle, makeHandle } from './handle.js'
import { type ParamsCheck, buildSchema, paramsCheck, schemaJson } from './schema.js'
import type { ChannelConfig, ParamsFrom } from './types.js'

// By name, not by identity: a loader or a bundler may bring a second copy of this package into the
// process, and its definitions are as good as ours.
const mark: unique symbol = Symbol.for('tako-channels.definition') as never

/** What the rest of this package sees of a definition; types are gone by then. */
export interface Definition {
  readonly name: string
  readonly config: ChannelConfig<TObject>
  /** The params schema as JSON, undefined when there is none. */
  readonly schemaJson: object | undefined
  readonly checkParams: ParamsCheck
}

/** What every definition is, with params or without. Made by defineChannel only. */
export interface AnyChannel {
  readonly name: string
  readonly [mark]: Definition
}

interface Common<P, M, T extends Transport, H, Who extends PresenceTypes> extends AnyChannel {
  /**
   * Type-level only: the data of each message type. Every type that `handler` names must be there,
   * with data that its function takes.
   */
  $messageTypes<M2 extends H>(): DefinedChannel<P, M2, T, H, Who>
  /** Type-level only: `info` of the app's grants, `data` of the members. */
  $presenceTypes<Who2 extends Partial<PresenceTypes>>(): DefinedChannel<
    P,
    M,
    T,
    H,
    PresenceTypes & Who2
  >
  /** Of a definition whose name ends in `*`: the channel of this name, by the same rules. */
  named(name: string): DefinedChannel<P, M, T, H, Who>
  /** For the compiler alone. */
  readonly '~shape'?: { params: P; messages: M; transport: T; presence: Who }
}

/** A definition with params: call it with them to get a handle. */
export interface ParameterizedChannel<
  P,
  M,
  T extends Transport,
  H,
  Who extends PresenceTypes = PresenceTypes,
> extends Common<P, M, T, H, Who> {
  (...params: object extends P ? [params?: P] : [params: P]): ChannelHandle<M, Who>
}

/** A definition without params is its channel's handle. */
export interface BoundChannel<M, T extends Transport, H, Who extends PresenceTypes = PresenceTypes>
  extends Common<undefined, M, T, H, Who>, ChannelHandle<M, Who> {
  readonly name: string
}

export type DefinedChannel<
  P,
  M,
  T extends Transport,
  H,
  Who extends PresenceTypes = PresenceTypes,
> = [P] extends [undefined] ? BoundChannel<M, T, H, Who> : ParameterizedChannel<P, M, T, H, Who>

/** A definition's types, for the registry: `InferChannel<typeof chat>`. */
export type InferChannel<C> = C extends { readonly '~shape'?: infer Shape }
  ? Exclude<Shape, undefined> extends infer Known extends ChannelShape
    ? Known
    : never
  : never

/**
 * Defines a channel. `name` is the one in the URL; ending in `*` it stands for all names that begin
 * so. With a `paramsSchema` the result is called with params to get a handle, without one it is the
 * handle. Add `.$messageTypes<{ msg: { text: string } }>()` to type its messages.
 * @throws {TakoError} `usage-invalid`: the name or the configuration can't be right; the hint says why
 */
export function defineChannel<
  S extends TObject = never,
  H extends object = Record<never, never>,
  T extends Transport = 'ws',
>(
  name: string,
  config: ChannelConfig<S, H, T> = {},
): DefinedChannel<[S] extends [never] ? undefined : ParamsFrom<S>, MessageTypes, T, H> {
  return makeChannel(readDefinition(name, config as unknown as ChannelConfig<TObject>)) as never
}

/** The definition inside what defineChannel returned; undefined for anything else. */
export function definitionOf(value: unknown): Definition | undefined {
  const isObject = typeof value === 'function' || (typeof value === 'object' && value !== null)
  return isObject ? (value as Partial<AnyChannel>)[mark] : undefined
}

function makeChannel(definition: Definition): unknown {
  const { name } = definition
  const channel =
    definition.schemaJson === undefined
      ? makeHandle({ channel: name, params: {} })
      : (params: Params = {}) => makeHandle({ channel: name, params })
  const common = {
    name,
    [mark]: definition,
    $messageTypes: () => channel,
    $presenceTypes: () => channel,
    named: (concrete: string) => makeChannel(rename(definition, concrete)),
  }
  // A function's own `name` can't be assigned, only defined.
  for (const key of Reflect.ownKeys(common)) {
    Object.defineProperty(channel, key, { value: common[key as never], configurable: true })
  }
  return channel
}

function rename(definition: Definition, name: string): Definition {
  const prefix = definition.name.slice(0, -1)
  if (definition.name.endsWith('*') && name.startsWith(prefix) && isChannelName(name)) {
    return { ...definition, name }
  }
  throw new TakoError('usage-invalid', `'${name}' is none of the channels '${definition.name}'`, {
    hint: definition.name.endsWith('*')
      ? `Give a channel's name that begins with '${prefix}'.`
      : `Only a definition whose name ends in '*' has named(); this one is '${definition.name}'.`,
  })
}

/** docs/protocol.md section 1. */
function isChannelName(text: unknown): boolean {
  return typeof text === 'string' && /^[A-Za-z0-9_.:/=@,;-]{1,200}$/.test(text)
}

function readDefinition(name: string, config: ChannelConfig<TObject>): Definition {
  if (name !== '*' && !isChannelName(typeof name === 'string' ? name.replace(/\*$/, '') : name)) {
    throw new TakoError('usage-invalid', `'${String(name)}' is no channel's name`, {
      hint: 'A name has 1 to 200 characters of A-Z a-z 0-9 _ - . : / = @ , ; and may end in *.',
    })
  }
  checkMembers(name, config)
  const { paramsSchema } = config
  if (paramsSchema === undefined) {
    return { name, config, schemaJson: undefined, checkParams: () => null }
  }
  const schema = buildSchema(name, paramsSchema)
  const json = schemaJson(name, schema)
  return { name, config, schemaJson: json, checkParams: paramsCheck(schema) }
}

const members: Record<keyof ChannelConfig, true> = {
  paramsSchema: true,
  contextParams: true,
  auth: true,
  handler: true,
  clientRate: true,
  transport: true,
  presence: true,
  webhooks: true,
  replayWindowMs: true,
  maxMessages: true,
  inactivityTtlMs: true,
  keepaliveIntervalMs: true,
  maxConnectionLifetimeMs: true,
  slow: true,
}

// What the compiler tells those who ask it. Values are the server's to judge; members that it never
// sees, because nobody would send them, are judged here.
function checkMembers(name: string, config: ChannelConfig<TObject>): void {
  for (const member of Object.keys(config)) {
    if (Object.hasOwn(members, member)) continue
    throw new TakoError('usage-invalid', `channel ${name}: '${member}' is unknown`, {
      hint: `Known are ${Object.keys(members).join(', ')}.`,
    })
  }
  const { auth } = config
  if (auth === undefined || auth === false || typeof auth?.verify === 'function') return
  throw new TakoError('usage-invalid', `channel ${name}: auth has no verify function`, {
    hint: 'Write auth: { verify: async (input) => … }, or auth: false for a public channel.',
  })
}
