// The page's icons: strokes in the text's colour, 20 units square.
import type { ReactNode } from 'react'

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
      {children}
    </svg>
  )
}

export const icons = {
  room: (
    <Icon>
      <path d="M7.6 3.5 6 16.5M14 3.5l-1.6 13M3.5 7.5h13.4M3 12.5h13.4" />
    </Icon>
  ),
  dashboard: (
    <Icon>
      <path d="M3 16.5h14M5.5 13V9M10 13V4.5M14.5 13V7" />
    </Icon>
  ),
  activity: (
    <Icon>
      <path d="M10 3a4.6 4.6 0 0 0-4.6 4.6c0 3.6-1.4 5.4-1.4 5.4h12s-1.4-1.8-1.4-5.4A4.6 4.6 0 0 0 10 3ZM8.4 16a1.7 1.7 0 0 0 3.2 0" />
    </Icon>
  ),
  send: (
    <Icon>
      <path d="M10 16V4.5M5 9.2l5-5 5 5" />
    </Icon>
  ),
  wave: (
    <Icon>
      <path d="M6.5 10.5 4.8 7.6a1.1 1.1 0 0 1 1.9-1.1l2 3.4M8.2 8.9 6 5a1.1 1.1 0 0 1 1.9-1.1l2.5 4.3M10.1 7.8 8.3 4.6a1.1 1.1 0 0 1 1.9-1.1l3.3 5.7.2-1.8a1.2 1.2 0 0 1 2.4.2c0 5.2-1.6 7.6-4.2 8.9-2.4 1.1-4.8.2-6-1.8L3.8 11.500a1.1 1.1 0 0 1 1.9-1.1l1.3 2.2" />
    </Icon>
  ),
  flag: (
    <Icon>
      <path d="M5 17V3.500M5 4h9.500l-2 3.5 2 3.500H5" />
    </Icon>
  ),
  spark: (
    <Icon>
      <path d="M10 3v4M10 13v4M3 10h4M13 10h4M5.5 5.500l2 2M12.5 12.500l2 2M14.5 5.500l-2 2M7.5 12.500l-2 2" />
    </Icon>
  ),
}

/** The product's mark. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M7 19q-3 5-1 9M13 22q-2 4 0 8M19 22q2 4 0 8M25 19q3 5 1 9" />
      <circle cx="16" cy="13" r="10.5" />
      <g>
        <circle cx="12" cy="13" r="1.8" />
        <circle cx="20" cy="13" r="1.8" />
      </g>
    </svg>
  )
}
