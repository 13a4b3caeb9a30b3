// Event blocks: the same ones, however the bytes are cut, and whatever a message holds.
import { expect, test } from 'vitest'

import { type EventBlock, blockReader } from '../../src/client/event_blocks.js'

function read(...pieces: string[]): EventBlock[] {
  const blocks: EventBlock[] = []
  const take = blockReader((block) => blocks.push(block))
  for (const piece of pieces) take(piece)
  return blocks
}

const stream =
  'retry: 100\r\n\r\nid: 0-a\n\n: keepalive\nid: 1-a\ndata: {"a":\ndata:1}\n\nevent: tako.gap\rdata: {}\r\r'
const blocks: EventBlock[] = [
  { retry: 100 },
  { id: '0-a' },
  {},
  { id: '1-a', data: '{"a":\n1}' },
  { event: 'tako.gap', data: '{}' },
]

test('each line end, comments, and a block with only an id', () => {
  expect(read(stream, 'x')).toEqual(blocks)
})

test('cut at every byte, and byte by byte', () => {
  for (let at = 0; at <= stream.length; at += 1) {
    expect(read(stream.slice(0, at), stream.slice(at), 'x')).toEqual(blocks)
  }
  expect(read(...stream, 'x')).toEqual(blocks)
})

test('line separators of Unicode are data like any other', () => {
  const data = '"one\u2028two\u2029three\u0085four"'
  expect(read(`id: 1-a\ndata: ${data}\n\n`)).toEqual([{ id: '1-a', data }])
})

test('a line without end is refused', () => {
  expect(() => read('data: ' + 'x'.repeat(9 * 1024 * 1024))).toThrow(RangeError)
})
