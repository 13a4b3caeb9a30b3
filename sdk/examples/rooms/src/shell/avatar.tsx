// A person as a disc: initials on a colour that their name always gives.

const hues = 12

export function Avatar({ name, isProgram = false }: { name: string; isProgram?: boolean }) {
  const initials = name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase()
  const hue = isProgram ? undefined : `hue-${hash(name) % hues}`
  return (
    <span className={`avatar ${hue ?? 'program'}`} aria-hidden="true">
      {isProgram ? '›_' : initials}
    </span>
  )
}

function hash(text: string): number {
  // FNV-1a: short names of similar letters fall far apart.
  return [...text].reduce(
    (sum, char) => Math.imul(sum ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0,
    0x811c9dc5,
  )
}
