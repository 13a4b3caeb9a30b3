// @vitest-environment jsdom
// A page that a server rendered: React takes the markup over without a mismatch, then it is live.
import { act, StrictMode } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'

import { TakoProvider, useChannel, useConnection } from '../../src/react/index.js'
import { FakeClient, messageAt } from './fake_client.js'

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

const Page = () => {
  const { status, messages } = useChannel('chat')
  return `${status} ${useConnection().status} ${messages.length}`
}

test('the markup is taken over, though the connection is open already', async () => {
  const errors = vi.spyOn(console, 'error')
  const onRecoverableError = vi.fn()
  const client = new FakeClient()
  client.status = 'open'
  client.onSubscribe = (subscription) => {
    if (subscription.options.lastEventId !== undefined) return subscription.opens('1-aaaaaaaa')
    subscription.opens('0-aaaaaaaa')
    subscription.delivers(messageAt(1))
  }
  const tree = (
    <StrictMode>
      <TakoProvider client={client} children={<Page />} />
    </StrictMode>
  )
  const container = document.createElement('div')
  container.innerHTML = renderToString(tree)
  expect(container.textContent).toBe('connecting idle 0')
  const root = await act(async () => hydrateRoot(container, tree, { onRecoverableError }))
  expect(container.textContent).toBe('open open 1')
  expect(onRecoverableError).not.toHaveBeenCalled()
  expect(errors).not.toHaveBeenCalled()
  await act(async () => root.unmount())
})
