// A channel's messages as the room's page shows them.
import type { ChannelMessage, MessagesOf } from 'tako-channels'

export interface ChatMessage {
  readonly id: string
  /** Who says so: the subject that the app's auth gave the sender, or the name of a program. */
  readonly author: string
  readonly isOwn: boolean
  /** Published by the app itself, not by a client. */
  readonly isProgram: boolean
  readonly text: string
  /** Ms since 1970; null when the publisher did not say. */
  readonly at: number | null
  readonly key: string | null
}

/** Messages by one author within this time stand together. */
const groupMs = 5 * 60 * 1000

export function toChatMessages(
  messages: readonly ChannelMessage<MessagesOf<'chat'>>[],
  self: string,
): ChatMessage[] {
  return messages.flatMap((message) => {
    if (message.type !== 'msg' || message.id === undefined) return []
    const { id, subject, data } = message
    return {
      id,
      author: subject ?? data.name ?? 'App',
      isOwn: subject === self,
      isProgram: subject === undefined,
      text: data.text,
      at: data.at ?? null,
      key: data.key ?? null,
    }
  })
}

/** Whether a message shows its author's name, or follows on the one before. */
export function startsGroup(message: ChatMessage, before: ChatMessage | undefined): boolean {
  if (before === undefined || before.author !== message.author) return true
  if (before.isProgram !== message.isProgram) return true
  return message.at !== null && before.at !== null && message.at - before.at > groupMs
}
