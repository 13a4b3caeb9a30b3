// The page's routes are paths; links are plain anchors that do not load the page anew.
import { type MouseEvent, useSyncExternalStore } from 'react'

const changed = 'rooms:path'

function subscribe(listener: () => void): () => void {
  for (const event of ['popstate', changed]) window.addEventListener(event, listener)
  return () => {
    for (const event of ['popstate', changed]) window.removeEventListener(event, listener)
  }
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname)
}

export function navigate(path: string): void {
  if (path === window.location.pathname) return
  window.history.pushState(null, '', path)
  window.dispatchEvent(new Event(changed))
}

/** For an anchor's `onClick`: a plain click stays in the page, any other is the browser's. */
export function onLinkClick(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  navigate(event.currentTarget.pathname)
}
