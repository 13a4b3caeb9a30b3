// The channels by name: types the client and the hooks. `tako-channels generate` writes such a file.
import type { Chat } from './channels/chat.js'
import type { Notifications } from './channels/notifications.js'
import type { Sales } from './channels/sales.js'

declare module 'tako-channels' {
  interface TakoChannels {
    chat: Chat
    notifications: Notifications
    sales: Sales
  }
}
