// Who is typing: told while one types, forgotten when nothing was told for a while.
import { useCallback, useEffect, useRef, useState } from 'react'

const tellEveryMs = 2_000
const forgetAfterMs = 4_000

/** The names of those who type in this room. `note` takes what the channel delivers. */
export function useTypists(room: string) {
  const [typists, setTypists] = useState<ReadonlyMap<string, number>>(new Map())

  useEffect(() => setTypists(new Map()), [room])

  useEffect(() => {
    if (typists.size === 0) return
    const soonest = Math.min(...typists.values())
    const timer = setTimeout(() => {
      const now = Date.now()
      setTypists((all) => new Map([...all].filter(([, until]) => until > now)))
    }, soonest - Date.now())
    return () => clearTimeout(timer)
  }, [typists])

  const note = useCallback((name: string, isTyping: boolean) => {
    setTypists((all) => {
      if (!isTyping && !all.has(name)) return all
      const next = new Map(all)
      if (isTyping) next.set(name, Date.now() + forgetAfterMs)
      else next.delete(name)
      return next
    })
  }, [])

  return { typists: [...typists.keys()], note }
}

/** Tells, at most every two seconds, that one types; and once that one has stopped. */
export function useTellTyping(tell: (isTyping: boolean) => void) {
  const lastTold = useRef(0)
  return (isTyping: boolean) => {
    const now = Date.now()
    if (isTyping ? now - lastTold.current < tellEveryMs : lastTold.current === 0) return
    lastTold.current = isTyping ? now : 0
    tell(isTyping)
  }
}
