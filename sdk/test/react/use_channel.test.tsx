// @vitest-environment jsdom
// useChannel over a scripted client: nothing lost, nothing twice, nothing of another channel.
import { act, Activity, useLayoutEffect } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { TakoError } from '../../src/error.js'
import { TakoProvider, useChannel, type UseChannelOptions } from '../../src/react/index.js'
import { renderIntervalMs } from '../../src/react/show_timer.js'
import { FakeClient, messageAt, page } from './fake_client.js'
import { renderHook } from './render.js'

let client: FakeClient
beforeEach(() => {
  vi.useFakeTimers()
  client = new FakeClient()
})
afterEach(() => vi.useRealTimers())

type Options = UseChannelOptions
const room = (roomId: string, more: Partial<Options> = {}): Options => ({
  params: { roomId },
  ...more,
})
const mount = (props: Options, strict = false) =>
  renderHook((options: Options) => useChannel('chat', options), { props, strict, client })

/** Runs what the scripted server does, and lets the hook show it. */
const play = (script: () => void) =>
  act(async () => {
    script()
    await vi.advanceTimersByTimeAsync(2 * renderIntervalMs)
  })
const texts = (result: { messages: readonly { data: unknown }[] }) =>
  result.messages.map(({ data }) => (data as { text: string }).text)

describe('a mounted hook', () => {
  test('subscribes once, shows what arrives in order, and closes at the unmount', async () => {
    const hook = await mount(room('42', { transport: 'sse', resumeOnReload: true }))
    expect(client.subscriptions).toHaveLength(1)
    const { channel, params, options } = client.last
    expect([channel, params]).toEqual(['chat', { roomId: '42' }])
    expect(options).toMatchObject({ transport: 'sse', resumeOnReload: true })
    expect(options).not.toHaveProperty('token')
    expect(hook.current.status).toBe('connecting')

    await play(() => {
      client.last.opens('4-aaaaaaaa', 'ann')
      client.last.delivers(messageAt(5), messageAt(6))
    })
    expect(hook.current).toMatchObject({ status: 'open', subject: 'ann', error: null, gap: null })
    expect(texts(hook.current)).toEqual(['m5', 'm6'])

    await act(async () => client.last.delivers(messageAt(7)))
    expect(vi.getTimerCount()).toBe(1)
    await hook.unmount()
    expect(client.last.closed).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('renders again with new but equal params, and new callbacks, without resubscribing', async () => {
    const heard: string[] = []
    const hook = await mount({ params: { a: 1, b: 2 }, onMessage: () => heard.push('first') })
    await play(() => client.last.delivers(messageAt(1)))
    const before = hook.current
    await hook.rerender({ params: { b: 2, a: 1 }, onMessage: () => heard.push('second') })
    await play(() => client.last.delivers(messageAt(2)))
    expect(heard).toEqual(['first', 'second'])
    expect(client.subscriptions).toHaveLength(1)
    expect(texts(hook.current)).toEqual(['m1', 'm2'])
    expect(hook.current.send).toBe(before.send)
    expect(hook.current.clear).toBe(before.clear)
    expect(hook.current.history).toBe(before.history)
  })

  test('keeps the same result and messages while nothing changes', async () => {
    const hook = await mount(room('1'))
    await play(() => client.last.delivers(messageAt(1)))
    const before = hook.current
    await hook.rerender(room('1'))
    expect(hook.current).toBe(before)
    await play(() => client.last.opens('1-aaaaaaaa'))
    expect(hook.current.messages).toBe(before.messages)
  })

  test('is not lost to a message or status within subscribe itself', async () => {
    client.onSubscribe = (subscription) => {
      subscription.opens('0-aaaaaaaa')
      subscription.delivers(messageAt(1))
    }
    const hook = await mount(room('1'))
    expect(hook.current.status).toBe('open')
    expect(texts(hook.current)).toEqual(['m1'])
  })

  test('shows failures, and tries again when told to', async () => {
    const hook = await mount(room('1'))
    const error = new TakoError('verify-rejected', 'no')
    await play(() => client.last.is('failed', error))
    expect(hook.current).toMatchObject({ status: 'failed', error })
    hook.current.retry()
    expect(client.last.retried).toBe(1)
  })

  test('shows a subscribe that throws as a failure, and retry subscribes', async () => {
    client.close()
    const hook = await mount(room('1'))
    expect(hook.current).toMatchObject({ status: 'failed', error: { code: 'aborted' } })
    client.closed = 0
    await act(async () => hook.current.retry())
    expect(client.live).toHaveLength(1)
    expect(hook.current).toMatchObject({ status: 'connecting', error: null })
    await hook.unmount()
    hook.current.retry()
    expect(client.subscriptions).toHaveLength(1)
  })
})

describe('strict mode', () => {
  test('leaves one live subscription, and each message is there once', async () => {
    const heard: unknown[] = []
    const hook = await mount(room('1', { onMessage: ({ id }) => heard.push(id) }), true)
    expect(client.live).toHaveLength(1)
    const [past] = client.subscriptions
    expect(past).not.toBe(client.last)
    await play(() => {
      past?.delivers(messageAt(1))
      past?.is('failed', new TakoError('aborted', 'late'))
      client.last.delivers(messageAt(1), messageAt(2))
    })
    expect(texts(hook.current)).toEqual(['m1', 'm2'])
    expect(hook.current).toMatchObject({ status: 'connecting', error: null })
    expect(heard).toEqual(['1-aaaaaaaa', '2-aaaaaaaa'])
    await hook.unmount()
    expect(client.live).toHaveLength(0)
  })

  test('history is there once', async () => {
    client.onSubscribe = (subscription) => {
      subscription.answerHistory = () => Promise.resolve(page([messageAt(1), messageAt(2)]))
      subscription.opens('2-aaaaaaaa')
    }
    const hook = await mount(room('1', { historyLimit: 10 }), true)
    await play(() => client.last.delivers(messageAt(3)))
    expect(texts(hook.current)).toEqual(['m1', 'm2', 'm3'])
  })
})

describe('other params', () => {
  test('show none of the old messages, not in a single render', async () => {
    const hook = await mount(room('1'))
    await play(() => client.last.delivers(messageAt(1, 'of room 1')))
    const rendersBefore = hook.all.length
    await hook.rerender(room('2'))
    // React renders the component again before it commits; what it shows is the last one.
    expect(hook.all.slice(rendersBefore).flatMap(texts)).toEqual([])
    expect(client.live.map(({ params }) => params)).toEqual([{ roomId: '2' }])
  })

  test('a late message, status and gap of the old subscription are ignored', async () => {
    const onMessage = vi.fn()
    const onGap = vi.fn()
    const hook = await mount(room('1', { onMessage, onGap }))
    const old = client.last
    await hook.rerender(room('2', { onMessage, onGap }))
    await play(() => {
      old.delivers(messageAt(7))
      old.is('failed', new TakoError('verify-rejected', 'no'))
      old.tellsGap({ from: null, to: '1-aaaaaaaa', reason: 'window-passed' })
    })
    expect(hook.current).toMatchObject({
      messages: [],
      status: 'connecting',
      error: null,
      gap: null,
    })
    expect(onMessage).not.toHaveBeenCalled()
    expect(onGap).not.toHaveBeenCalled()
    // And back again: the first room's cursor and messages are not taken up.
    await hook.rerender(room('1', { onMessage, onGap }))
    expect(client.last.options).not.toHaveProperty('lastEventId')
    expect(hook.current.messages).toEqual([])
  })

  test('a message between the commit and its effects reaches no callback', async () => {
    const heard: string[] = []
    const use = (roomId: string) => {
      useChannel('chat', room(roomId, { onMessage: () => heard.push(roomId) }))
      // Layout effects run in the commit, before the old subscription is closed.
      useLayoutEffect(() => {
        if (roomId === '2') client.subscriptions[0]?.delivers(messageAt(7))
      }, [roomId])
    }
    const hook = await renderHook(use, { props: '1', client })
    await play(() => client.last.delivers(messageAt(6)))
    await hook.rerender('2')
    expect(client.subscriptions.map(({ closed }) => closed)).toEqual([1, 0])
    await play(() => client.last.delivers(messageAt(1)))
    expect(heard).toEqual(['1', '2'])
  })

  test('another name or transport is another subscription too', async () => {
    type Props = { name: string; options: Options }
    const use = ({ name, options }: Props) => useChannel(name, options)
    const hook = await renderHook(use, { props: { name: 'a', options: {} }, client })
    await hook.rerender({ name: 'b', options: {} })
    await hook.rerender({ name: 'b', options: { transport: 'sse' } })
    expect(client.subscriptions.map(({ channel }) => channel)).toEqual(['a', 'b', 'b'])
    expect(client.live).toEqual([client.last])
  })
})

describe('enabled', () => {
  test('false subscribes to nothing; true goes on where it stopped', async () => {
    const hook = await mount(room('1', { enabled: false }))
    expect(client.subscriptions).toHaveLength(0)
    expect(hook.current).toMatchObject({ status: 'closed', messages: [] })
    await expect(hook.current.send('msg', {})).rejects.toMatchObject({ code: 'aborted' })
    await expect(hook.current.history()).rejects.toMatchObject({ code: 'aborted' })

    await hook.rerender(room('1'))
    expect(client.last.options).not.toHaveProperty('lastEventId')
    await play(() => {
      client.last.opens('0-aaaaaaaa')
      client.last.delivers(messageAt(1))
    })
    await hook.rerender(room('1', { enabled: false }))
    expect(client.live).toHaveLength(0)
    expect(hook.current.status).toBe('closed')
    expect(texts(hook.current)).toEqual(['m1'])
    await act(async () => hook.current.clear())
    expect(hook.current.messages).toEqual([])

    await hook.rerender(room('1'))
    expect(client.last.options.lastEventId).toBe('1-aaaaaaaa')
  })

  test('a hidden Activity unsubscribes, and resumes at its cursor with its messages', async () => {
    const shown: string[][] = []
    const Chat = () => {
      shown.push(texts(useChannel('chat', room('1'))))
      return null
    }
    const root = createRoot(document.createElement('div'))
    const tree = (mode: 'visible' | 'hidden') => (
      <TakoProvider client={client}>
        <Activity mode={mode}>
          <Chat />
        </Activity>
      </TakoProvider>
    )
    await act(async () => root.render(tree('visible')))
    await play(() => client.last.delivers(messageAt(1)))
    await act(async () => root.render(tree('hidden')))
    expect(client.live).toHaveLength(0)
    await act(async () => root.render(tree('visible')))
    expect(client.last.options.lastEventId).toBe('1-aaaaaaaa')
    await play(() => client.last.delivers(messageAt(2)))
    expect(shown.at(-1)).toEqual(['m1', 'm2'])
    await act(async () => root.unmount())
  })
})

describe('the list', () => {
  test('holds the newest 500 by default, and onMessage still hears all', async () => {
    const onMessage = vi.fn()
    const hook = await mount(room('1', { onMessage }))
    await play(() => client.last.delivers(...Array.from({ length: 1_201 }, (_, i) => messageAt(i))))
    expect(hook.current.messages).toHaveLength(500)
    expect(texts(hook.current).at(0)).toBe('m701')
    expect(texts(hook.current).at(-1)).toBe('m1200')
    expect(onMessage).toHaveBeenCalledTimes(1_201)
  })

  test('follows a changed limit', async () => {
    const hook = await mount(room('1', { limit: 3 }))
    await play(() => client.last.delivers(...[1, 2, 3, 4].map((n) => messageAt(n))))
    expect(texts(hook.current)).toEqual(['m2', 'm3', 'm4'])
    await hook.rerender(room('1', { limit: 1 }))
    expect(texts(hook.current)).toEqual(['m4'])
    await hook.rerender(room('1', { limit: 0 }))
    expect(texts(hook.current)).toEqual([])
    expect(client.subscriptions).toHaveLength(1)
  })

  test('a burst costs two renders, not one for each message', async () => {
    const hook = await mount(room('1'))
    const before = hook.all.length
    await play(() => {
      for (let n = 1; n <= 300; n += 1) client.last.delivers(messageAt(n))
    })
    expect(hook.current.messages).toHaveLength(300)
    expect(hook.all.length - before).toBeLessThanOrEqual(2)
  })

  test('a first message is shown at once', async () => {
    const hook = await mount(room('1'))
    await act(async () => client.last.delivers(messageAt(1)))
    expect(texts(hook.current)).toEqual(['m1'])
  })

  test('ephemeral messages, which have no id, are all kept', async () => {
    const hook = await mount(room('1'))
    const typing = { channel: 'chat', type: 'typing', data: { text: 'x' } }
    await play(() => client.last.delivers(typing, typing))
    expect(hook.current.messages).toHaveLength(2)
  })

  test('clear empties it and forgets the gap, and delivery goes on', async () => {
    const hook = await mount(room('1'))
    await play(() => {
      client.last.tellsGap({ from: null, to: '0-aaaaaaaa', reason: 'window-passed' })
      client.last.delivers(messageAt(1))
    })
    await act(async () => hook.current.clear())
    expect(hook.current).toMatchObject({ messages: [], gap: null })
    await play(() => client.last.delivers(messageAt(2)))
    expect(texts(hook.current)).toEqual(['m2'])
  })

  test.each([-1, 1.5, Number.NaN, Infinity])('refuses a limit of %s', async (limit) => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    await expect(mount(room('1', { limit }))).rejects.toMatchObject({ code: 'usage-invalid' })
    await expect(mount(room('1', { historyLimit: 1_001 }))).rejects.toMatchObject({
      code: 'usage-invalid',
      hint: 'Give a whole number from 0 to 1000.',
    })
  })
})

test.each(['lastEventId', 'lastMessageId'])('%s is where it starts', async (option) => {
  await mount(room('1', { [option]: '5-aaaaaaaa' }))
  expect(client.last.options.lastEventId).toBe('5-aaaaaaaa')
})

describe('a gap', () => {
  const gap = { from: '1-aaaaaaaa', to: '9-aaaaaaaa', reason: 'window-passed' }

  test('is told, and the latest onGap decides', async () => {
    const first = vi.fn()
    const hook = await mount(room('1', { onGap: first }))
    await hook.rerender(room('1', { onGap: async () => 'stop' as const }))
    let decision: unknown
    await play(() => (decision = client.last.tellsGap(gap)))
    expect(hook.current.gap).toEqual(gap)
    expect(await decision).toBe('stop')
    expect(first).not.toHaveBeenCalled()
  })

  test('without onGap it is only told', async () => {
    const hook = await mount(room('1'))
    let decision: unknown = 'unset'
    await play(() => (decision = client.last.tellsGap(gap)))
    expect(decision).toBeUndefined()
    expect(hook.current.gap).toEqual(gap)
  })
})

describe('history', () => {
  const answer = (offsets: number[]) => Promise.resolve(page(offsets.map((n) => messageAt(n))))

  test('comes before the live messages, each once, whatever arrived meanwhile', async () => {
    const onMessage = vi.fn()
    const hook = await mount(room('1', { historyLimit: 50, onMessage }))
    let settle = (_: void) => {}
    const held = new Promise<void>((resolve) => (settle = resolve))
    client.last.answerHistory = () => held.then(() => answer([3, 4]))
    await play(() => {
      client.last.opens('4-aaaaaaaa')
      client.last.delivers(messageAt(5), messageAt(6))
    })
    expect(client.last.historyQueries).toEqual([{ until: '4-aaaaaaaa', limit: 50 }])
    await play(() => settle())
    // 7 is in the page but not yet delivered: it comes live.
    expect(texts(hook.current)).toEqual(['m3', 'm4', 'm5', 'm6'])
    await play(() => client.last.delivers(messageAt(7), messageAt(8)))
    expect(texts(hook.current)).toEqual(['m3', 'm4', 'm5', 'm6', 'm7', 'm8'])
    expect(onMessage).toHaveBeenCalledTimes(4)
  })

  test('asks for no more than the list can hold, and once', async () => {
    const hook = await mount(room('1', { historyLimit: 100, limit: 2 }))
    client.last.answerHistory = () => answer([1, 2])
    await play(() => client.last.opens('2-aaaaaaaa'))
    await play(() => client.last.is('waiting'))
    await play(() => client.last.is('open'))
    expect(client.last.historyQueries).toEqual([{ until: '2-aaaaaaaa', limit: 2 }])
    expect(texts(hook.current)).toEqual(['m1', 'm2'])
  })

  test('a failure is told, and it is asked for again at the next opening', async () => {
    const hook = await mount(room('1', { historyLimit: 10 }))
    const error = new TakoError('unavailable', 'later')
    client.last.answerHistory = () => Promise.reject(error)
    await play(() => client.last.opens('1-aaaaaaaa'))
    expect(hook.current).toMatchObject({ status: 'open', error })
    client.last.answerHistory = () => answer([1])
    await play(() => client.last.is('waiting'))
    await play(() => client.last.is('open'))
    expect(hook.current.error).toBeNull()
    expect(texts(hook.current)).toEqual(['m1'])
  })

  test('does not come back behind a clear', async () => {
    const hook = await mount(room('1', { historyLimit: 10 }))
    let settle = (_: void) => {}
    const held = new Promise<void>((resolve) => (settle = resolve))
    client.last.answerHistory = () => held.then(() => answer([1]))
    await play(() => client.last.opens('1-aaaaaaaa'))
    await act(async () => hook.current.clear())
    await play(() => settle())
    expect(hook.current.messages).toEqual([])
  })

  test('of an old subscription is not shown under new params', async () => {
    const hook = await mount(room('1', { historyLimit: 10 }))
    let settle = (_: void) => {}
    const held = new Promise<void>((resolve) => (settle = resolve))
    client.last.answerHistory = () => held.then(() => answer([1]))
    await play(() => client.last.opens('1-aaaaaaaa'))
    await hook.rerender(room('2', { historyLimit: 10 }))
    await play(() => settle())
    expect(hook.current.messages).toEqual([])
  })

  const pageOf = (offsets: number[], prev: number | null) =>
    Promise.resolve({
      messages: offsets.map((n) => messageAt(n)),
      next: null,
      prev: prev === null ? null : `${prev}-aaaaaaaa`,
    })

  test('loadOlder goes on in front of what is shown, beyond the limit, to the beginning', async () => {
    const hook = await mount(room('1', { historyLimit: 2, limit: 2 }))
    client.last.answerHistory = () => pageOf([5, 6], 5)
    await play(() => client.last.opens('6-aaaaaaaa'))
    expect([texts(hook.current), hook.current.hasOlder]).toEqual([['m5', 'm6'], true])
    client.last.answerHistory = () => pageOf([3, 4], 3)
    const counts = Promise.all([hook.current.loadOlder(2), hook.current.loadOlder(2)])
    await play(() => {})
    expect(await counts).toEqual([2, 2])
    expect(texts(hook.current)).toEqual(['m3', 'm4', 'm5', 'm6'])
    client.last.answerHistory = () => pageOf([2], null)
    await play(async () => void (await hook.current.loadOlder()))
    expect([texts(hook.current)[0], hook.current.hasOlder]).toEqual(['m2', false])
    expect(await hook.current.loadOlder()).toBe(0)
    expect(client.last.historyQueries).toEqual([
      { until: '6-aaaaaaaa', limit: 2 },
      { before: '5-aaaaaaaa', limit: 2 },
      { before: '3-aaaaaaaa', limit: 50 },
    ])
    await play(() => client.last.delivers(messageAt(7), messageAt(8)))
    expect(texts(hook.current)).toEqual(['m4', 'm5', 'm6', 'm7', 'm8'])
    expect(hook.current.hasOlder).toBe(true)
    client.last.answerHistory = () => pageOf([2, 3], null)
    await play(async () => void (await hook.current.loadOlder()))
    expect(client.last.historyQueries.at(-1)).toEqual({ before: '4-aaaaaaaa', limit: 50 })
    expect(texts(hook.current)).toEqual(['m2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8'])
  })

  test('loadOlder without any message begins at the seam with the live stream', async () => {
    const hook = await mount(room('1'))
    await play(() => client.last.opens('6-aaaaaaaa'))
    client.last.answerHistory = () => pageOf([6], null)
    await play(async () => void (await hook.current.loadOlder()))
    expect(client.last.historyQueries).toEqual([{ until: '6-aaaaaaaa', limit: 50 }])
    expect(texts(hook.current)).toEqual(['m6'])
    await play(() => hook.current.clear())
    expect([texts(hook.current), hook.current.hasOlder]).toEqual([[], true])
  })

  test('an older page that comes for another channel is dropped', async () => {
    const hook = await mount(room('1'))
    await play(() => client.last.opens('6-aaaaaaaa'))
    let settle = (_: void) => {}
    const held = new Promise<void>((resolve) => (settle = resolve))
    client.last.answerHistory = () => held.then(() => pageOf([5], null))
    const loading = hook.current.loadOlder()
    await hook.rerender(room('2'))
    await play(() => settle())
    expect(await loading).toBe(0)
    expect(hook.current.messages).toEqual([])
  })

  test('a page that fails is told to the caller, and can be asked for again', async () => {
    const hook = await mount(room('1'))
    await play(() => client.last.opens('6-aaaaaaaa'))
    client.last.answerHistory = () => Promise.reject(new TakoError('unavailable', 'away'))
    await expect(hook.current.loadOlder()).rejects.toMatchObject({ code: 'unavailable' })
    client.last.answerHistory = () => pageOf([6], null)
    await play(async () => void (await hook.current.loadOlder()))
    expect(texts(hook.current)).toEqual(['m6'])
  })

  test('rewind is passed on, and its messages are live ones', async () => {
    const onMessage = vi.fn()
    const hook = await mount(room('1', { rewind: '5m', onMessage }))
    expect(client.last.options.rewind).toBe('5m')
    await play(() => {
      client.last.opens('3-aaaaaaaa')
      client.last.delivers(messageAt(4))
    })
    expect(onMessage).toHaveBeenCalledTimes(1)
    expect(texts(hook.current)).toEqual(['m4'])
  })

  test('can be asked for page by page', async () => {
    const hook = await mount(room('1'))
    client.last.answerHistory = () => answer([1])
    expect(await hook.current.history({ before: '2-aaaaaaaa' })).toEqual(page([messageAt(1)]))
    expect(client.last.historyQueries).toEqual([{ before: '2-aaaaaaaa' }])
  })
})

describe('sending', () => {
  test('takes a type and data, or one message as the original did', async () => {
    const hook = await mount(room('1'))
    const { send } = hook.current
    expect(await send('msg', { text: 'a' }, { echo: false })).toEqual({ id: '9-aaaaaaaa' })
    await send({ type: 'msg', data: { text: 'b' } }, { idempotencyKey: 'k' })
    expect(client.last.sent).toEqual([
      ['msg', { text: 'a' }, { echo: false }],
      ['msg', { text: 'b' }, { idempotencyKey: 'k' }],
    ])
  })
})

describe('the token', () => {
  const asked = () => (client.last.options.token as () => Promise<string | null>)()

  test('is that of the last render', async () => {
    const hook = await mount(room('1', { token: async () => 'first' }))
    await hook.rerender(room('1', { token: async () => 'second' }))
    expect(await asked()).toBe('second')
    expect(client.subscriptions).toHaveLength(1)
  })

  test('another value is judged at once, at the cursor, with the messages kept', async () => {
    const hook = await mount(room('1', { token: 'one' }))
    await play(() => client.last.delivers(messageAt(1)))
    await hook.rerender(room('1', { token: 'two' }))
    expect(client.live).toEqual([client.last])
    expect(client.subscriptions).toHaveLength(2)
    expect(client.last.options.lastEventId).toBe('1-aaaaaaaa')
    expect(await asked()).toBe('two')
    expect(texts(hook.current)).toEqual(['m1'])
  })

  test('one that is taken away leaves that of the client, and all messages', async () => {
    const hook = await mount(room('1', { token: () => 'one' }))
    await play(() => client.last.delivers(messageAt(1)))
    await hook.rerender(room('1'))
    expect(client.live).toEqual([client.last])
    expect(client.last.options).not.toHaveProperty('token')
    expect(client.last.options.lastEventId).toBe('1-aaaaaaaa')
    expect(texts(hook.current)).toEqual(['m1'])
  })

  test('another value in the commit that ends the hook opens nothing', async () => {
    const hook = await mount(room('1', { token: 'one' }))
    const tokens = hook.rerender(room('1', { token: 'two' }))
    await hook.unmount()
    await tokens
    expect(client.live).toEqual([])
    const paused = await mount(room('1', { token: 'one' }))
    await paused.rerender(room('1', { token: 'two', enabled: false }))
    expect(client.live).toEqual([])
  })

  test.each([
    [{ authorization: 'abc' }, 'Bearer abc'],
    [{ authorization: 'Bearer abc' }, 'Bearer abc'],
    [{ headers: { Authorization: 'Basic x' }, authorization: 'abc' }, 'Basic x'],
    [{ token: 'mine', authorization: 'abc' }, 'mine'],
  ])('can be said as the original did: %j', async (options, token) => {
    await mount(room('1', options))
    expect(await asked()).toBe(token)
  })
})
