// Where the server has to start: for any members, it comes to an end with each of them served.
import { describe, expect, test } from 'vitest'

import { Audience, type Standing } from '../../src/client/audience.js'
import { isCovered, parsePosition } from '../../src/client/position.js'
import { at } from './harness.js'

interface Fake extends Standing {
  wants: string | null
  gap: boolean
}

/** A channel in its second life, with 5 to 9 retained; of its first life it knows nothing. */
const head = 9
function answer(start: string | null): { id: string; gap: string | null } {
  if (start === null) return { id: at(head, 2), gap: null }
  if (start === '0') return { id: at(4, 2), gap: null }
  const { offset, epoch } = parsePosition(start) ?? { offset: 0, epoch: '' }
  const isKept = epoch === '00000002' && offset >= 4 && offset <= head
  return { id: start, gap: isKept ? null : at(head, 2) }
}

/** What a feed does until all are served; how many starts that took. */
function settle(audience: Audience<Fake>): number {
  for (let starts = 1; starts <= 50; starts++) {
    const { id, gap } = answer(audience.pickStart())
    audience.begin(id)
    if (gap !== null) {
      for (const member of audience.passGap(gap)) member.gap = true
    }
    if (audience.admit() !== null) return starts
  }
  throw new Error('it does not come to an end')
}

/** The same numbers in each run (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test('any mixture of cursors is served, and only those with a lost one are told a gap', () => {
  const random = numbers(4)
  const pick = <T>(values: T[]): T => values[Math.floor(random() * values.length)] as T
  // Cursors that a server has given: one ahead of the head in the present life is none of them.
  const cursors = [null, '0', at(1), at(900), at(2, 2), at(4, 2), at(6, 2), at(9, 2)]
  for (let round = 0; round < 2_000; round++) {
    const audience = new Audience<Fake>()
    const size = 1 + Math.floor(random() * 5)
    for (let n = 0; n < size; n++) {
      const wants = pick(cursors)
      audience.members.add({ position: wants, wants, gap: false })
    }
    const name = [...audience.members].map(({ wants }) => wants).join(' ')
    expect(settle(audience), name).toBeLessThanOrEqual(2 * size + 1)
    for (const member of audience.members) {
      expect(audience.served.has(member), name).toBe(true)
      const { wants } = member
      const isLost = wants !== null && wants !== '0' && answer(wants).gap !== null
      expect(member.gap, name).toBe(isLost)
      const expected = isLost || wants === null ? at(head, 2) : answer(wants).id
      expect(member.position, name).toBe(expected)
      expect(isCovered(audience.position ?? '', member.position), name).toBe(true)
    }
  }
})

describe('one that wants no messages', () => {
  const follower = (): Standing => ({ position: null, isFollower: true })

  test('does not say where the server starts', () => {
    const audience = new Audience<Standing>()
    const late = { position: at(3) } as Standing
    audience.members.add(late).add(follower())
    expect(audience.pickStart()).toBe(at(3))
  })

  test('is served wherever the others stand, also when they go back', () => {
    const audience = new Audience<Standing>()
    const one = follower()
    audience.members.add(one)
    expect(audience.pickStart()).toBeNull()
    audience.begin(at(9))
    expect([one.position, audience.served.has(one)]).toEqual([at(9), true])
    const early = { position: at(3) } as Standing
    audience.members.add(early)
    expect(audience.admit()).toBeNull()
    expect(audience.pickStart()).toBe(at(3))
    audience.begin(at(3))
    expect([one, early].map((member) => audience.served.has(member))).toEqual([true, true])
  })
})
