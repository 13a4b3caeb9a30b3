// PresenceList: a channel's members as lists and changes tell them, provably right by their versions.
import type { Member } from '../presence_types.js'
import type { PresenceChange } from './types.js'

/** The whole list, or what changed behind version `after`, as the server sends them. */
export type PresenceFrame =
  | { readonly version: string; readonly members: readonly Member[] }
  | { readonly version: string; readonly after: string; readonly changes: readonly WireChange[] }

type WireChange = Member & {
  readonly action: 'enter' | 'update' | 'leave'
  readonly reason?: string
}

export class PresenceList {
  /** Of what is held; null: nothing is yet. */
  version: string | null = null
  #members = new Map<string, Member>()
  #sorted: readonly Member[] | null = []

  /** By the time they entered; the same array until the list changes. */
  get members(): readonly Member[] {
    return (this.#sorted ??= [...this.#members.values()].sort(
      (a, b) => a.since - b.since || (a.subject < b.subject ? -1 : 1),
    ))
  }

  get(subject: string): Member | null {
    return this.#members.get(subject) ?? null
  }

  /** Applies a frame: what it changed. Null, and nothing applied: it is behind another version. */
  take(frame: PresenceFrame): PresenceChange[] | null {
    if ('members' in frame) return this.#replace(frame.version, frame.members)
    if (frame.after !== this.version) return null
    this.version = frame.version
    const changes: PresenceChange[] = []
    for (const change of frame.changes) {
      const { action, reason, ...member } = change
      if (action === 'leave') this.#remove(member.subject, reason, changes)
      else this.#put(member, changes)
    }
    return changes
  }

  /** The first list says who is present; a later one in its place, who came and went meanwhile. */
  #replace(version: string, members: readonly Member[]): PresenceChange[] {
    const isFirst = this.version === null
    this.version = version
    const changes: PresenceChange[] = []
    const staying = new Set(members.map(({ subject }) => subject))
    for (const subject of [...this.#members.keys()]) {
      if (!staying.has(subject)) this.#remove(subject, undefined, changes)
    }
    for (const member of members) this.#put(member, changes)
    return isFirst ? changes.map((change) => ({ ...change, action: 'present' })) : changes
  }

  #put(member: Member, changes: PresenceChange[]): void {
    const before = this.#members.get(member.subject)
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(member)) return
    this.#members.set(member.subject, member)
    this.#sorted = null
    changes.push({ action: before === undefined ? 'enter' : 'update', member })
  }

  #remove(subject: string, reason: string | undefined, changes: PresenceChange[]): void {
    const member = this.#members.get(subject)
    if (member === undefined) return
    this.#members.delete(subject)
    this.#sorted = null
    changes.push({ action: 'leave', member, ...(reason === undefined ? {} : { reason }) })
  }
}
