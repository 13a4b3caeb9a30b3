// Event blocks: text/event-stream as it comes in pieces (HTML standard, 9.2.6).
//
// Of our own making because a channel's stream opens with a block `id: <cursor>` that has no data: the
// cursor to come back with when the stream breaks before its first message. Parsers for EventSource
// drop such a block, as the standard has them do.

export interface EventBlock {
  id?: string
  event?: string
  data?: string
  /** ms */
  retry?: number
}

/** A line may be as long as a message; what is longer is no stream of ours. */
const lineMax = 8 * 1024 * 1024

/**
 * The result takes pieces of text, and calls `onBlock` at each blank line; for a comment too, with an
 * empty block, as it is a sign of life.
 * @throws {RangeError} for a line without end
 */
export function blockReader(onBlock: (block: EventBlock) => void): (text: string) => void {
  let rest = ''
  let block: EventBlock = {}
  return (text) => {
    rest += text
    if (rest.length > lineMax) throw new RangeError('a line of the event stream has no end')
    const lines = rest.split(/\r\n|\n|\r(?!$)/) // A CR at the end may be half of a CRLF.
    rest = lines.pop() ?? ''
    for (const line of lines) {
      // `s`: JSON may hold U+2028 and U+2029, which end a line of JavaScript, but none of a stream.
      const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      if (line === '') {
        onBlock(block)
        block = {}
      } else if (field === '') onBlock({})
      else if (field === 'data') {
        block.data = block.data === undefined ? value : `${block.data}\n${value}`
      } else if (field === 'id' || field === 'event') block[field] = value
      else if (field === 'retry' && /^\d+$/.test(value)) block.retry = Number(value)
    }
  }
}
