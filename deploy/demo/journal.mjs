// The list of what happened to the connection, newest first.

const entriesMax = 40

export class Journal {
  #list

  constructor(list) {
    this.#list = list
  }

  /** The returned function changes the line's words. */
  add(text, kind = '') {
    const entry = document.createElement('li')
    entry.className = kind
    const time = document.createElement('time')
    time.textContent = new Date().toLocaleTimeString()
    const words = document.createElement('span')
    words.textContent = text
    entry.append(time, words)
    this.#list.prepend(entry)
    while (this.#list.children.length > entriesMax) this.#list.lastChild.remove()
    return (changed) => (words.textContent = changed)
  }
}
