// What the tabs of an origin say to each other.
import { TakoError } from '../error.js'
import type { ChannelMessage, Params, Transport } from '../types.js'
import type { Outgoing, Wishes } from './port.js'
import type { ConnectionStatus, Gap } from './types.js'

export type Fault = Pick<
  TakoError,
  'code' | 'message' | 'hint' | 'status' | 'retryable' | 'retryAfterMs'
>

/** From a follower's feed to the leader. */
export type Request =
  | {
      op: 'subscribe'
      channel: ChannelAsked
      cursor: string | null
      token: string | null
      more: Wishes
    }
  | { op: 'leave' }
  | { op: 'renew' }
  | { op: 'send'; message: Outgoing }
  | { op: 'token'; token: string | null }

/** From the leader to a follower's feed; `round` says which of its subscribes is meant. */
export type Answer =
  | { is: 'ready'; id: string; subject: string | null }
  | { is: 'message'; message: ChannelMessage }
  | { is: 'gap'; gap: Gap }
  | { is: 'presence'; type: string; data: unknown }
  | { is: 'lost' | 'refused'; fault: Fault }
  | { is: 'sent'; ref: number; id: string | null }
  | { is: 'sendFailed'; ref: number; fault: Fault }
  | { is: 'tokenWanted' }

interface ChannelAsked {
  readonly name: string
  readonly params: Params
  readonly transport: Transport
}

export type Note =
  | { kind: 'hello' }
  | { kind: 'leader'; leader: string; status: ConnectionStatus }
  | { kind: 'request'; to: string; from: string; feed: number; round: number; request: Request }
  | { kind: 'answer'; to: string; feed: number; round: number; answer: Answer }

/** Structured clones lose what an Error's class has. */
export function toFault({
  code,
  message,
  hint,
  status,
  retryable,
  retryAfterMs,
}: TakoError): Fault {
  return { code, message, hint, status, retryable, retryAfterMs }
}

export function fromFault({ code, message, ...options }: Fault): TakoError {
  return new TakoError(code, message, options)
}
