// What was said in a room, oldest first, with what is still on its way below.
import { Fragment, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { TakoError } from 'tako-channels'
import type { SubscriptionStatus } from 'tako-channels/client'

import { useIdentity } from '../session.js'
import { Avatar } from '../shell/avatar.js'
import { Refused } from '../shell/refused.js'
import { type ChatMessage, startsGroup } from './messages.js'
import type { Unsent } from './outbox.js'
import { Removed } from './removed.js'
import type { RoomName } from './rooms.js'
import type { Away } from './use_away.js'
import { WaveButton } from './wave_button.js'

/** Nearer to the end than this counts as reading the newest: then the list follows. */
const followPx = 80

interface MessageListProps {
  room: RoomName
  messages: readonly ChatMessage[]
  unsent: readonly Unsent[]
  away: Away | null
  status: SubscriptionStatus
  error: TakoError | null
  /** There are messages in front of these. */
  hasOlder: boolean
  onOlder(): Promise<number>
  onRetry(unsent: Unsent): void
  onDiscard(unsent: Unsent): void
  onRetryRoom(): void
}

export function MessageList(props: MessageListProps) {
  const { room, messages, away, status, error, onRetry, onDiscard, onRetryRoom } = props
  const here = new Set(messages.map(({ key }) => key))
  const unsent = props.unsent.filter(({ key }) => !here.has(key))
  const list = useFollow(messages.length + unsent.length, messages[0]?.id)
  const isEmpty = messages.length + unsent.length === 0

  return (
    <div className="messages" ref={list} role="log" aria-live="polite" tabIndex={0}>
      {props.hasOlder && messages.length > 0 && <Older onOlder={props.onOlder} />}
      {status === 'failed' && error?.code === 'revoked' ? (
        <Removed reason={error.message} onReturn={onRetryRoom} />
      ) : status === 'failed' ? (
        <Refused what="This room" error={error} onRetry={onRetryRoom} />
      ) : isEmpty && status === 'open' ? (
        <div className="empty">
          <h2>It is quiet in #{room}</h2>
          <p>Say something. Everyone who is here sees it at once.</p>
        </div>
      ) : (
        isEmpty && <Skeleton />
      )}
      {messages.map((message, index) => (
        <Fragment key={message.id}>
          {away?.firstId === message.id && <AwayLine away={away} />}
          <Message
            message={message}
            isFirst={startsGroup(message, messages[index - 1]) || away?.firstId === message.id}
          />
        </Fragment>
      ))}
      {unsent.map((each) => (
        <UnsentMessage
          key={each.key}
          unsent={each}
          onRetry={() => onRetry(each)}
          onDiscard={() => onDiscard(each)}
        />
      ))}
    </div>
  )
}

/** Asks for the page in front of what is shown. */
function Older({ onOlder }: { onOlder(): Promise<number> }) {
  const [state, setState] = useState<'idle' | 'loading' | 'failed'>('idle')
  const onClick = () => {
    setState('loading')
    onOlder().then(
      () => setState('idle'),
      () => setState('failed'),
    )
  }
  const text = { idle: 'Load earlier messages', loading: 'Loading…', failed: 'Try again' }[state]
  return (
    <button type="button" className="button older" disabled={state === 'loading'} onClick={onClick}>
      {text}
    </button>
  )
}

/**
 * Keeps the list at its end when something is added, unless one has scrolled up to read; and what one
 * reads in its place when something is put in front of it.
 */
function useFollow(length: number, firstId: string | undefined) {
  const list = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  const before = useRef({ firstId, height: 0 })
  useEffect(() => {
    const element = list.current
    if (element === null) return
    const onScroll = () => {
      const below = element.scrollHeight - element.scrollTop - element.clientHeight
      isAtEnd.current = below < followPx
    }
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => element.removeEventListener('scroll', onScroll)
  }, [])
  useLayoutEffect(() => {
    const element = list.current
    if (element === null) return
    const { firstId: wasFirst, height } = before.current
    before.current = { firstId, height: element.scrollHeight }
    if (isAtEnd.current) element.scrollTo({ top: element.scrollHeight })
    else if (firstId !== wasFirst) element.scrollTop += element.scrollHeight - height
  }, [length, firstId])
  return list
}

function Message({ message, isFirst }: { message: ChatMessage; isFirst: boolean }) {
  const { author, isOwn, isProgram, text, at, id } = message
  const time = at === null ? null : new Date(at)
  return (
    <article className={isFirst ? 'message first' : 'message'} data-id={id} data-own={isOwn}>
      {isFirst && <Avatar name={author} isProgram={isProgram} />}
      {isFirst && (
        <header>
          <strong>{author}</strong>
          {isProgram && <span className="tag">app</span>}
          {time !== null && (
            <time dateTime={time.toISOString()} title={time.toLocaleString()}>
              {time.toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' })}
            </time>
          )}
          {!isOwn && !isProgram && <WaveButton to={author} />}
        </header>
      )}
      <p>{text}</p>
    </article>
  )
}

interface UnsentMessageProps {
  unsent: Unsent
  onRetry(): void
  onDiscard(): void
}

function UnsentMessage({ unsent, onRetry, onDiscard }: UnsentMessageProps) {
  const { identity } = useIdentity()
  const { text, failure, mayPass } = unsent
  return (
    <article className={`message first ${failure === null ? 'pending' : 'refused'}`}>
      <Avatar name={identity.name} />
      <header>
        <strong>{identity.name}</strong>
        {failure === null ? (
          <span className="soft">Sending…</span>
        ) : (
          <>
            <span className="bad">Not sent: {failure}</span>
            {mayPass && (
              <button type="button" className="link" onClick={onRetry}>
                Try again
              </button>
            )}
            <button type="button" className="link" onClick={onDiscard}>
              Discard
            </button>
          </>
        )}
      </header>
      <p>{text}</p>
    </article>
  )
}

function AwayLine({ away: { count, isMore } }: { away: Away }) {
  const messages = count === 1 ? '1 message' : `${count} messages`
  return (
    <p className="away" role="separator">
      <span>
        While you were away · {isMore && 'more than '}
        {messages}
      </span>
    </p>
  )
}

function Skeleton() {
  return (
    <div className="skeleton" aria-label="Loading">
      {[62, 38, 74].map((width) => (
        <div key={width}>
          <i />
          <b style={{ width: `${width}%` }} />
        </div>
      ))}
    </div>
  )
}
