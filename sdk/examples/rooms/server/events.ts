// What the server tells of the rooms, as lines on this app's console.
import type { WebhookEvent } from 'tako-channels'

const left: Record<string, string> = {
  left: 'left',
  lost: 'was lost from',
  expired: 'ran out of time in',
  revoked: 'was removed from',
}

/** A real app writes "last seen", or frees a seat: at most once more after a crash. */
export function logEvent(event: WebhookEvent): void {
  if (event.type === 'events-lost') return console.log(`${event.count} events were lost`)
  const room = `#${String(event.params.room)}`
  if (event.type === 'member-entered') console.log(`${event.subject} entered ${room}`)
  if (event.type === 'member-left') {
    console.log(`${event.subject} ${left[event.reason] ?? 'left'} ${room}`)
  }
  if (event.type === 'channel-vacated') console.log(`${room} is empty`)
}
