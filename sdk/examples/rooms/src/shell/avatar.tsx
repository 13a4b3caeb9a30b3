// A person as a disc: initials on their colour.
import { type Face, faceOf } from '../../shared/face.js'

interface AvatarProps {
  name: string
  /** As the server says it; else as the name gives it. */
  face?: Face | undefined
  isProgram?: boolean
}

export function Avatar({ name, face = faceOf(name), isProgram = false }: AvatarProps) {
  return (
    <span className={`avatar ${isProgram ? 'program' : `hue-${face.hue}`}`} aria-hidden="true">
      {isProgram ? '›_' : face.initials}
    </span>
  )
}
