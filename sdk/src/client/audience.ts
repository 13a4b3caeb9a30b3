// Audience: a feed's members, where each stands, and where the server has to start for them.
//
// A server subscription starts at one position and serves every member that has had all before it. Who
// stands elsewhere makes it start anew: at the head for those who want that, then at a cursor of another
// epoch, which the server may answer with a gap, then at the earliest. Each start moves members to where
// one start can serve them, so it comes to an end.
import { epochOf, isCovered, offsetOf } from './position.js'

export interface Standing {
  /** The last position it took; null: it wants to start at the head. */
  position: string | null
  /** Of one that wants to start earlier than at the head; its first position ends that. */
  readonly rewind?: number | string | undefined
  /** It wants no messages: wherever the others stand suits it. */
  readonly isFollower?: boolean
}

export class Audience<Member extends Standing> {
  readonly members = new Set<Member>()
  /** Those that the present server subscription serves. */
  readonly served = new Set<Member>()
  /** Where the present server subscription stands. */
  position: string | null = null
  /** How much earlier than at the head it started, or is to start. */
  rewind: number | string | undefined
  /** Whose position the server has judged since the last loss: its history leads to the present one. */
  readonly #judged = new Set<Member>()

  leave(member: Member): void {
    this.members.delete(member)
    this.served.delete(member)
    this.#judged.delete(member)
  }

  /** The connection is lost: nobody is served, and what the server judged no longer counts. */
  scatter(): void {
    this.served.clear()
    this.#judged.clear()
  }

  /** Chooses where the server is to start; nobody is served until it stands. */
  pickStart(): string | null {
    this.served.clear()
    this.position = this.#start()
    return this.position
  }

  /** The server stands behind `id`: serves those whom that suits. */
  begin(id: string): void {
    const start = this.position
    this.position = id
    for (const member of this.members) {
      const isBegun = start === '0' || (start === null && member.rewind === this.rewind)
      if (member.isFollower || (member.position === start && isBegun)) member.position = id
      if (this.#fits(member)) this.#serve(member)
    }
  }

  /** Takes those who came since; null when the server has to start anew for one of them. */
  admit(): Member[] | null {
    const admitted: Member[] = []
    for (const member of this.members) {
      if (this.served.has(member)) continue
      if (member.isFollower) member.position = this.position
      if (member.rewind === undefined) member.position ??= this.position
      if (!this.#fits(member)) return null
      this.#serve(member)
      admitted.push(member)
    }
    return admitted
  }

  /**
   * What is between the position and `to` is gone: those who stood there. Who is ahead has had all of it,
   * or has to be served from its own position, of which the server may still have more.
   */
  passGap(to: string): Member[] {
    const before = this.position
    this.position = to
    const told: Member[] = []
    for (const member of this.served) {
      if (member.position === before) {
        member.position = to
        told.push(member)
      } else if (!isCovered(to, member.position)) {
        this.served.delete(member)
        this.#judged.delete(member)
      }
    }
    return told
  }

  #serve(member: Member): void {
    this.served.add(member)
    this.#judged.add(member)
  }

  /** Whether the member has had all that is before the server's position. */
  #fits(member: Member): boolean {
    const { position } = member
    if (position === null || this.position === null) return false
    if (isCovered(this.position, position)) return true
    // Of two epochs only what the server has judged compares, as offsets go on.
    return this.#judged.has(member) && offsetOf(position) >= offsetOf(this.position)
  }

  #start(): string | null {
    const members = [...this.members].filter(({ isFollower }) => !isFollower)
    const positions = members.map((member) => member.position)
    if (members.length === 0) return null
    // Those at the head first: when an earlier start is made for the others, they have had all of it.
    const fresh = members.filter(({ position }) => position === null)
    const atHead = fresh.find(({ rewind }) => rewind === undefined)
    this.rewind = (atHead ?? fresh[0])?.rewind
    if (fresh.length > 0) return null
    const epoch = this.#judged.size > 0 && this.position ? epochOf(this.position) : ''
    for (const member of members) {
      const other = epochOf(member.position ?? '')
      const isForeign = epoch !== '' && other !== '' && other !== epoch
      if (isForeign && !this.#judged.has(member)) return member.position
    }
    return (positions as string[]).reduce((a, b) => (offsetOf(b) < offsetOf(a) ? b : a))
  }
}
