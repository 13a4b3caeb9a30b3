// Where one writes: Enter sends, Shift and Enter is a new line; what is unfinished waits in its room.
import { type ChangeEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react'

import { icons } from '../shell/icons.js'
import type { RoomName } from './rooms.js'
import { useTellTyping } from './typing.js'

const textLengthMax = 2_000

interface ComposerProps {
  room: RoomName
  onSay(text: string): void
  onTyping(isTyping: boolean): void
}

export function Composer({ room, onSay, onTyping }: ComposerProps) {
  const [drafts, setDrafts] = useState<Partial<Record<RoomName, string>>>({})
  const field = useRef<HTMLTextAreaElement>(null)
  const tellTyping = useTellTyping(onTyping)
  const text = drafts[room] ?? ''
  const setText = (draft: string) => setDrafts((all) => ({ ...all, [room]: draft }))

  // As high as what is in it, up to the bound that the style sheet gives.
  useEffect(() => {
    if (field.current === null) return
    field.current.style.height = 'auto'
    field.current.style.height = `${field.current.scrollHeight}px`
  }, [text])

  const submit = () => {
    const words = text.trim()
    if (words === '') return
    onSay(words)
    setText('')
    tellTyping(false)
  }
  const onChange = (event: ChangeEvent<HTMLTextAreaElement>) => {
    setText(event.target.value)
    tellTyping(event.target.value !== '')
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter picks a word.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    submit()
  }

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
        field.current?.focus()
      }}
    >
      <textarea
        ref={field}
        name="text"
        rows={1}
        value={text}
        maxLength={textLengthMax}
        placeholder={`Message #${room}`}
        aria-label={`Message #${room}`}
        onChange={onChange}
        onKeyDown={onKeyDown}
      />
      <button className="send" aria-label="Send" disabled={text.trim() === ''}>
        {icons.send}
      </button>
    </form>
  )
}
