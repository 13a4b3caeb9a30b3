// Objects by value: a component writes a new one on every render and means the same.

/** One text for equal values, whatever the order of names; undefined and functions don't count. */
export function valueKey(value: unknown): string {
  return JSON.stringify(value, sorted) ?? ''
}

function sorted(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Member by member, by identity. */
export function isSame<T extends object>(one: T, other: T): boolean {
  return (Object.keys(one) as (keyof T)[]).every((key) => one[key] === other[key])
}
