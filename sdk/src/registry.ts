// From a channel's name to its types: what makes the client and the hook typed end to end.
import type { TakoChannels } from './index.js'
import type { PresenceTypes } from './presence_types.js'
import type { MessageTypes, Params, Transport } from './types.js'

/** Names that the registry knows; any string while it is empty. */
export type ChannelName = keyof TakoChannels extends never
  ? string
  : Extract<keyof TakoChannels, string>

type Entry<Name extends string> = Name extends keyof TakoChannels ? TakoChannels[Name] : unknown

/** The params of a channel by its name. */
export type ParamsOf<Name extends string> =
  Entry<Name> extends { params: infer P } ? P : Params | undefined

/** The messages of a channel by its name. */
export type MessagesOf<Name extends string> =
  Entry<Name> extends { messages: infer M } ? M : MessageTypes

/** The transport of a channel by its name. */
export type TransportOf<Name extends string> =
  Entry<Name> extends { transport: infer T extends Transport } ? T : Transport

/** What is known of a channel's members, by its name. */
export type PresenceOf<Name extends string> =
  Entry<Name> extends { presence: infer Who extends PresenceTypes } ? Who : PresenceTypes

/** True when a channel by this name must be given params. */
export type NeedsParams<Name extends string> =
  undefined extends ParamsOf<Name>
    ? false
    : Record<string, never> extends ParamsOf<Name>
      ? false
      : true
