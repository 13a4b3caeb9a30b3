// Who this tab speaks as, and the token that proves it.
import { createContext, use } from 'react'

import { network } from './network.js'

const storageKey = 'rooms.name'
const adjectives = ['Amber', 'Brisk', 'Calm', 'Clever', 'Gentle', 'Lucky', 'Quiet', 'Swift']
const animals = ['Crane', 'Fox', 'Heron', 'Lynx', 'Otter', 'Puffin', 'Seal', 'Wren']

export class Identity {
  readonly name: string

  private constructor(name: string) {
    this.name = name
  }

  /** This tab's own person if it has one, else the browser's, else someone new. */
  static ofThisTab(): Identity {
    const stored = sessionStorage.getItem(storageKey) ?? localStorage.getItem(storageKey)
    const name = stored ?? randomName()
    if (stored === null) localStorage.setItem(storageKey, name)
    return new Identity(name)
  }

  /** Someone else, in this tab only: to talk with oneself. */
  static another(): Identity {
    const name = randomName()
    sessionStorage.setItem(storageKey, name)
    return new Identity(name)
  }

  renamed(name: string): Identity {
    const isTabs = sessionStorage.getItem(storageKey) !== null
    ;(isTabs ? sessionStorage : localStorage).setItem(storageKey, name)
    return new Identity(name)
  }

  /** A new token; the client asks for one whenever it connects, and before the last one ends. */
  token = async (): Promise<string> => {
    const response = await network.fetch('/api/session', {
      method: 'POST',
      body: JSON.stringify({ name: this.name }),
    })
    if (!response.ok) throw new Error(`no session: status ${response.status}`)
    return ((await response.json()) as { token: string }).token
  }
}

function randomName(): string {
  const pick = (words: string[]) => words[Math.floor(Math.random() * words.length)]
  return `${pick(adjectives)} ${pick(animals)}`
}

export interface IdentityActions {
  identity: Identity
  rename(name: string): void
  another(): void
}

export const IdentityContext = createContext<IdentityActions | null>(null)

export function useIdentity(): IdentityActions {
  const value = use(IdentityContext)
  if (value === null) throw new Error('useIdentity outside of IdentityContext')
  return value
}
