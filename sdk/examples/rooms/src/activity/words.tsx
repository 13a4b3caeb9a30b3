// What a notification says, and how it looks.
import type { ReactNode } from 'react'

import { icons } from '../shell/icons.js'
import type { Notification } from './activity_context.js'

export interface Words {
  readonly icon: ReactNode
  readonly title: string
  readonly text: string
}

export function wordsOf(notification: Notification): Words {
  switch (notification.type) {
    case 'welcome':
      return {
        icon: icons.spark,
        title: 'Welcome',
        text: 'Open a second tab and say something in a room: both see it at once.',
      }
    case 'wave':
      return {
        icon: icons.wave,
        title: `${notification.data.from} waves at you`,
        text: 'Only you can read this channel.',
      }
    case 'milestone':
      return {
        icon: icons.flag,
        title: `${notification.data.orders.toLocaleString()} orders`,
        text: 'The shop has passed a round number.',
      }
  }
}

/** How long ago, roughly. */
export function ago(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000)
  if (seconds < 45) return 'just now'
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min ago`
  return `${Math.round(minutes / 60)} h ago`
}
