// The client's small parts: back-off, positions, event blocks, addresses.
import { expect, test } from 'vitest'

import { addressKey, channelAddress, channelPath } from '../../src/client/address.js'
import { Backoff } from '../../src/client/backoff.js'
import { type EventBlock, blockReader } from '../../src/client/event_blocks.js'
import { isCovered, parsePosition } from '../../src/client/position.js'

test('delays double up to the bound, are random below it, and begin anew', () => {
  const highest = new Backoff({ firstMs: 100, maxMs: 1_000 }, () => 1)
  const five = () => Array.from({ length: 5 }, () => highest.next())
  expect(five()).toEqual([100, 200, 400, 800, 1_000])
  highest.reset()
  expect(highest.next()).toBe(100)
  const half = new Backoff({ firstMs: 100, maxMs: 1_000 }, () => 0.5)
  expect([half.next(), half.next()]).toEqual([50, 100])
  const none = new Backoff({ firstMs: 100, maxMs: 1_000 }, () => 0)
  expect([none.next(), none.next()]).toEqual([0, 0])
})

test("the server's hint is the least delay, spread by the first", () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 }, () => 0.5)
  expect([backoff.next(3_000), backoff.next(3_000), backoff.next(3_000)]).toEqual([
    3_050, 3_050, 3_050,
  ])
})

test('positions compare within an epoch only', () => {
  expect(parsePosition('17-0a3f9k2m')).toEqual({ offset: 17, epoch: '0a3f9k2m' })
  expect(parsePosition('17')).toBeNull()
  expect(parsePosition('17-0A3F9K2M')).toBeNull()
  expect(isCovered('9-00000001', '10-00000001')).toBe(true)
  expect(isCovered('10-00000001', '10-00000001')).toBe(true)
  expect(isCovered('11-00000001', '10-00000001')).toBe(false)
  expect(isCovered('9-00000002', '10-00000001')).toBe(false)
  expect(isCovered('9-00000001', null)).toBe(false)
})

test('event blocks are the same however the bytes are cut', () => {
  const text =
    'id: 1-00000001\n\n: keepalive\n\nretry: 250\r\n\r\nevent: tako.gap\rdata: a\rdata:b\r\rid:2\ndata\n\n'
  const expected: EventBlock[] = [
    { id: '1-00000001' },
    {},
    {},
    { retry: 250 },
    { event: 'tako.gap', data: 'a\nb' },
    { id: '2', data: '' },
  ]
  for (let size = 1; size <= text.length; size++) {
    const blocks: EventBlock[] = []
    const read = blockReader((block) => blocks.push(block))
    for (let at = 0; at < text.length; at += size) read(text.slice(at, at + size))
    expect(blocks, `pieces of ${size}`).toEqual(expected)
  }
})

test('a line without end is refused, not collected', () => {
  const read = blockReader(() => {})
  const piece = 'x'.repeat(1024 * 1024)
  expect(() => {
    for (let i = 0; i < 9; i++) read(piece)
  }).toThrow(RangeError)
})

test('equal params are one address, in any order; undefined is absent', () => {
  const a = channelAddress('room', { b: 1, a: 'x', c: undefined })
  expect(addressKey(a)).toBe(addressKey(channelAddress('room', { a: 'x', b: 1 })))
  expect(addressKey(a)).not.toBe(addressKey(channelAddress('room', { a: 'x', b: '1' })))
  expect(channelPath(a, '/messages', { _limit: '5' })).toBe(
    '/_tako/channels/room/messages?a=x&b=1&_limit=5',
  )
  expect(channelPath(channelAddress('a/b', { q: 'ä &', list: [1] }), '')).toBe(
    '/_tako/channels/a%2Fb?list=%5B1%5D&q=%C3%A4+%26',
  )
})

test('names and params that the server would not take are refused with what to do', () => {
  expect(() => channelAddress('not a name', {})).toThrow(/no channel name/)
  expect(() => channelAddress('', {})).toThrow(/no channel name/)
  expect(() => channelAddress('room', { _limit: 1 })).toThrow(/can't be the name of a param/)
  expect(() => channelAddress('room', { id: 1n })).toThrow(/nothing that JSON can say/)
  expect(() => channelAddress('room', { last_message_id: '1' })).toThrow(/name of a param/)
})
