// The rooms there are. A real app asks its database.
export const rooms = [
  { name: 'lobby', topic: 'Where everyone meets' },
  { name: 'kitchen', topic: 'Lunch, coffee, leftovers' },
  { name: 'garden', topic: 'Slow talk, fresh air' },
] as const

export type RoomName = (typeof rooms)[number]['name']

/** The room that a path of the page shows; null when it shows none. */
export function roomOfPath(path: string): RoomName | null {
  if (path === '/') return rooms[0].name
  return rooms.find(({ name }) => path === `/rooms/${name}`)?.name ?? null
}
