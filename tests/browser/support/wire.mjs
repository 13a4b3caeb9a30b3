// The network between a browser and the edge: a TCP relay that can be cut, or go silent.
import net from 'node:net'

export class Wire {
  url = ''
  #server
  #pairs = new Set()
  #isCut = false

  /** Relays to `target`, an `http://host:port`. */
  static async to(target) {
    const wire = new Wire()
    const { hostname, port } = new URL(target)
    wire.#server = net.createServer((near) => {
      if (wire.#isCut) return near.destroy()
      const far = net.connect({ host: hostname, port: Number(port) })
      const pair = { near, far }
      wire.#pairs.add(pair)
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        one.on('error', () => other.destroy())
        one.on('close', () => {
          other.destroy()
          wire.#pairs.delete(pair)
        })
        one.pipe(other)
      }
    })
    await new Promise((resolve) => wire.#server.listen(0, '127.0.0.1', resolve))
    wire.url = `http://127.0.0.1:${wire.#server.address().port}`
    return wire
  }

  /** Ends every connection without a word, and refuses new ones. */
  cut() {
    this.#isCut = true
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }

  restore() {
    this.#isCut = false
  }

  close() {
    this.cut()
    return new Promise((resolve) => this.#server.close(resolve))
  }
}
