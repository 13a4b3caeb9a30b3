// PresenceList: lists and changes by version give the truth, whatever was missed in between.
import { describe, expect, test } from 'vitest'

import { PresenceList } from '../../src/client/presence_list.js'
import type { Member } from '../../src/presence_types.js'

const who = (subject: string, since: number, data?: unknown): Member => ({
  subject,
  since,
  ...(data === undefined ? {} : { data }),
})
const words = (changes: ReturnType<PresenceList['take']>) =>
  changes?.map((change) => {
    const reason = change.action === 'leave' ? ` ${change.reason ?? '?'}` : ''
    return `${change.action} ${change.member.subject}${reason}`
  })

describe('the first list', () => {
  test('says who is present, in the order in which they came', () => {
    const list = new PresenceList()
    const frame = { version: '7-a', members: [who('ann', 3), who('bob', 1), who('cid', 3)] }
    expect(words(list.take(frame))).toEqual(['present ann', 'present bob', 'present cid'])
    expect(list.members.map(({ subject }) => subject)).toEqual(['bob', 'ann', 'cid'])
    expect(list.version).toBe('7-a')
  })

  test('may be empty', () => {
    const list = new PresenceList()
    expect(list.take({ version: '0-a', members: [] })).toEqual([])
    expect(list.version).toBe('0-a')
  })
})

describe('changes', () => {
  const held = () => {
    const list = new PresenceList()
    list.take({ version: '2-a', members: [who('ann', 1), who('bob', 2)] })
    return list
  }

  test('behind the version that is held are applied in order', () => {
    const list = held()
    const changes = list.take({
      after: '2-a',
      version: '6-a',
      changes: [
        { action: 'enter', ...who('cid', 3) },
        { action: 'update', ...who('ann', 1, { busy: true }) },
        { action: 'leave', ...who('bob', 2), reason: 'lost' },
        { action: 'leave', ...who('cid', 3), reason: 'left' },
      ],
    })
    expect(words(changes)).toEqual(['enter cid', 'update ann', 'leave bob lost', 'leave cid left'])
    expect(list.members).toEqual([who('ann', 1, { busy: true })])
    expect(list.version).toBe('6-a')
  })

  test('behind another version are not applied', () => {
    const list = held()
    const before = list.members
    const frame = { after: '3-a', version: '4-a', changes: [{ action: 'leave', ...who('ann', 1) }] }
    expect(list.take(frame as never)).toBeNull()
    expect(list.members).toBe(before)
    expect(list.version).toBe('2-a')
  })

  test('without any list are not applied', () => {
    expect(new PresenceList().take({ after: '1-a', version: '2-a', changes: [] })).toBeNull()
  })

  test('that change nothing keep the array of members, and the version moves', () => {
    const list = held()
    const before = list.members
    const same = { action: 'update' as const, ...who('ann', 1) }
    expect(list.take({ after: '2-a', version: '3-a', changes: [same] })).toEqual([])
    expect(list.members).toBe(before)
    expect(list.version).toBe('3-a')
  })

  test('a member is what it is now: data that it no longer says are gone', () => {
    const list = held()
    list.take({
      after: '2-a',
      version: '3-a',
      changes: [{ action: 'update', ...who('ann', 1, { busy: true }) }],
    })
    list.take({ after: '3-a', version: '4-a', changes: [{ action: 'update', ...who('ann', 1) }] })
    expect(list.get('ann')).toEqual(who('ann', 1))
  })
})

test('a list in place of another tells who came and went meanwhile', () => {
  const list = new PresenceList()
  list.take({ version: '2-a', members: [who('ann', 1), who('bob', 2), who('cid', 3)] })
  const changes = list.take({
    version: '5-b',
    members: [who('dan', 9), who('ann', 1), who('cid', 3, 'here')],
  })
  expect(words(changes)).toEqual(['leave bob ?', 'enter dan', 'update cid'])
})

/** Repeatable: the seed is in the name of the test that failed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test.each([1, 2, 3, 4, 5])('any mixture of changes and lists is the truth: seed %i', (seed) => {
  const random = randomOf(seed)
  const pick = (n: number) => Math.floor(random() * n)
  const truth = new Map<string, Member>()
  const list = new PresenceList()
  const mirror = new Map<string, Member>()
  let version = 0
  let told = -1
  let pending: unknown[] = []
  for (let step = 0; step < 2_000; step += 1) {
    const subject = `s${pick(20)}`
    const before = truth.get(subject)
    if (before === undefined) {
      truth.set(subject, who(subject, step, pick(3)))
      pending.push({ action: 'enter', ...truth.get(subject) })
    } else if (pick(2) === 0) {
      truth.set(subject, { ...before, data: pick(3) })
      pending.push({ action: 'update', ...truth.get(subject) })
    } else {
      truth.delete(subject)
      pending.push({ action: 'leave', subject })
    }
    version += 1
    if (pick(4) > 0) continue
    const isWhole = told < 0 || pick(5) === 0
    const frame = isWhole
      ? { version: `${version}`, members: [...truth.values()] }
      : { version: `${version}`, after: `${told}`, changes: pending }
    const changes = list.take(frame as never)
    told = version
    pending = []
    for (const { action, member } of changes ?? []) {
      if (action === 'leave') expect(mirror.delete(member.subject)).toBe(true)
      else {
        expect(mirror.has(member.subject)).toBe(action === 'update')
        mirror.set(member.subject, member)
      }
    }
    expect(changes).not.toBeNull()
    const sorted = [...truth.values()].sort((a, b) => a.since - b.since)
    expect(list.members).toEqual(sorted)
    expect([...mirror.values()].sort((a, b) => a.since - b.since)).toEqual(sorted)
  }
})
