// A person's face: initials, and a colour that their name always gives. Used by the server and the page.

/** How many colours there are. */
const hues = 12

export interface Face {
  readonly initials: string
  /** Which of the colours. */
  readonly hue: number
}

export function faceOf(name: string): Face {
  const initials = name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase()
  return { initials, hue: hash(name) % hues }
}

function hash(text: string): number {
  // FNV-1a: short names of similar letters fall far apart.
  return [...text].reduce(
    (sum, char) => Math.imul(sum ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0,
    0x811c9dc5,
  )
}
