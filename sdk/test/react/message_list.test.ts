// The list behind `messages`: bounded, ordered, each message once.
import { expect, test } from 'vitest'

import { MessageList } from '../../src/react/message_list.js'
import type { MessageTypes } from '../../src/types.js'
import { messageAt } from './fake_client.js'

const offsets = (list: MessageList<MessageTypes>) =>
  list.snapshot.map(({ id }) => Number.parseInt(id ?? ''))

test('what it holds is bounded, not only what it shows', () => {
  const list = new MessageList<MessageTypes>(10)
  for (let offset = 1; offset <= 1_000; offset += 1) list.append(messageAt(offset))
  list.setLimit(1_000)
  expect(list.snapshot.length).toBeLessThanOrEqual(20)
  expect(offsets(list).at(-1)).toBe(1_000)
})

test('a snapshot stays as it was, and is a new one only after a change', () => {
  const list = new MessageList<MessageTypes>(10)
  list.append(messageAt(1))
  const before = list.snapshot
  expect(list.snapshot).toBe(before)
  list.append(messageAt(2))
  expect(list.snapshot).not.toBe(before)
  expect(before).toHaveLength(1)
})

test('a message that came as history does not come again, whichever was first', () => {
  const list = new MessageList<MessageTypes>(10)
  list.append(messageAt(3))
  list.prepend([messageAt(2), messageAt(3), messageAt(4)])
  list.append(messageAt(4))
  list.append(messageAt(5))
  expect(offsets(list)).toEqual([2, 3, 4, 5])
})

test('history gives way to what is newer', () => {
  const list = new MessageList<MessageTypes>(3)
  list.append(messageAt(4))
  list.prepend([messageAt(1), messageAt(2), messageAt(3)])
  expect(offsets(list)).toEqual([2, 3, 4])
})

test('an empty one that is cleared stays the same', () => {
  const list = new MessageList<MessageTypes>(3)
  const before = list.snapshot
  list.clear()
  expect(list.snapshot).toBe(before)
})
