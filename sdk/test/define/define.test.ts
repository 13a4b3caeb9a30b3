// defineChannel: what it returns, what it refuses, and what the server is sent for it.
import { type TObject, Type } from '@sinclair/typebox'
import { describe, expect, test } from 'vitest'

import { definitionOf } from '../../src/define/define.js'
import { wireDefinition } from '../../src/define/wire.js'
import { TakoError, createTako, defineChannel } from '../../src/index.js'

const wire = (channel: unknown) => {
  const definition = definitionOf(channel)
  if (definition === undefined) throw new Error('no definition')
  return wireDefinition(definition)
}

describe('what it returns', () => {
  test('with params it is called, and handles are named after them', () => {
    const chat = defineChannel('chat', {
      paramsSchema: (t) => t.Object({ roomId: t.String(), page: t.Optional(t.Integer()) }),
    })
    expect(chat.name).toBe('chat')
    expect(chat({ roomId: 'a b', page: 2 }).name).toBe('chat?page=2&roomId=a+b')
  })

  test('without params it is the handle', () => {
    const feed = defineChannel('feed', { auth: false })
    expect(feed.name).toBe('feed')
    expect(feed.publish).toBeTypeOf('function')
    expect(feed.$messageTypes<{ n: number }>()).toBe(feed)
  })

  test('a prefix names channels by named(), and is none itself', async () => {
    const team = defineChannel('team-*', { auth: false })
    expect(team.named('team-7').name).toBe('team-7')
    expect(() => team.named('other-7')).toThrow("'other-7' is none of the channels 'team-*'")
    await expect(team.publish({ type: 'n', data: 1 })).rejects.toThrow('stands for many channels')
    expect(() => defineChannel('feed').named('feed')).toThrow(TakoError)
  })
})

describe('what it refuses', () => {
  test.each([['', 'a b', 'ü', 'x'.repeat(201), 'a*b', 7]].flat())('the name %j', (name) => {
    expect(() => defineChannel(name as string)).toThrow("is no channel's name")
  })

  test.each([
    [{ ttl: 1 }, "'ttl' is unknown"],
    [{ auth: {} }, 'no verify function'],
    [{ auth: true }, 'no verify function'],
    [{ paramsSchema: () => Type.String() }, 'no object schema'],
    [{ paramsSchema: 7 }, 'no object schema'],
  ])('%j', (config, why) => {
    expect(() => defineChannel('chat', config as never)).toThrow(why)
  })

  test.each([
    ['a date', Type.Date(), "paramsSchema.p: 'Date'", 'date-time'],
    ['a RegExp', Type.RegExp(/a/), "'RegExp'", 'pattern'],
    ['a record', Type.Record(Type.String(), Type.String()), "'patternProperties'", 't.Object'],
    ['a tuple', Type.Tuple([Type.String()]), 'a tuple', 't.Array'],
    ['an intersection', Type.Intersect([Type.String(), Type.Null()]), "'allOf'", 't.Composite'],
    ['an array of them', Type.Array(Type.BigInt()), "paramsSchema.p[]: 'bigint'", 't.Integer'],
  ])('%s as a param, with what to write instead', (_, param, why, hint) => {
    const define = () => defineChannel('chat', { paramsSchema: Type.Object({ p: param }) })
    expect(define).toThrow(why)
    expect(define).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }))
  })

  test('the same name twice, and what is no channel', () => {
    const channels = [defineChannel('a'), defineChannel('a')]
    expect(() => createTako({ channels })).toThrow("two definitions are named 'a'")
    expect(() => createTako({ channels: [{}] as never })).toThrow('channels[0] is no channel')
  })
})

describe('what the server is sent', () => {
  test("only what the app said: defaults are the server's", () => {
    expect(wire(defineChannel('feed'))).toEqual({ name: 'feed' })
  })

  test('everything, with functions as dispatch and without verify', () => {
    const channel = defineChannel('chat', {
      paramsSchema: (t) => t.Object({ roomId: t.String({ minLength: 1 }), lang: t.String() }),
      contextParams: ['lang'],
      auth: { headerName: false, cookieName: 'session', verify: () => true },
      handler: { msg: 'relay', typing: 'ephemeral', vote: (data) => data },
      clientRate: { connection: 10, channel: 0 },
      transport: 'sse',
      presence: { list: 'counts', graceMs: 0 },
      webhooks: ['member-entered', 'member-left'],
      replayWindowMs: 1,
      maxMessages: 2,
      inactivityTtlMs: 3,
      keepaliveIntervalMs: 4,
      maxConnectionLifetimeMs: 5,
      slow: 'latest',
    })
    expect(wire(channel)).toEqual({
      name: 'chat',
      paramsSchema: {
        type: 'object',
        properties: { roomId: { type: 'string', minLength: 1 }, lang: { type: 'string' } },
        required: ['roomId', 'lang'],
      },
      contextParams: ['lang'],
      auth: { headerName: false, cookieName: 'session' },
      handlers: { msg: 'relay', typing: 'ephemeral', vote: 'dispatch' },
      clientRate: { connection: 10, channel: 0 },
      transport: 'sse',
      presence: { list: 'counts', graceMs: 0 },
      webhooks: ['member-entered', 'member-left'],
      replayWindowMs: 1,
      maxMessages: 2,
      inactivityTtlMs: 3,
      keepaliveIntervalMs: 4,
      maxConnectionLifetimeMs: 5,
      slow: 'latest',
    })
  })
})

describe('the second check of params', () => {
  const check = (schema: TObject, params: unknown) =>
    definitionOf(defineChannel('c', { paramsSchema: schema }))?.checkParams(params)

  test.each([
    ['a format', Type.String({ format: 'email' }), 'a@b'],
    ['a pattern of RE2', Type.String({ pattern: '(?i)^room$' }), 'ROOM'],
    ['a length in characters', Type.String({ maxLength: 1 }), '😀'],
    ['a template', Type.TemplateLiteral('room-${string}'), 'room-1'],
    ['plain JSON Schema', Type.Unsafe<'a' | 'b'>({ type: 'string', enum: ['a', 'b'] }), 'a'],
    ['rules of items', Type.Array(Type.String({ pattern: '(?i)a' })), ['A']],
    ['rules of a union', Type.Union([Type.String({ format: 'uuid' }), Type.Null()]), 'x'],
    ['a step that is no binary fraction', Type.Number({ multipleOf: 0.1 }), 0.3],
  ])('leaves %s to the edge, which has checked it', (_, param, value) => {
    expect(check(Type.Object({ p: param }), { p: value })).toBeNull()
  })

  test('refuses what has another shape, also under the name of a rule', () => {
    const schema = Type.Object({ format: Type.String({ minLength: 1 }), page: Type.Integer() })
    expect(check(schema, { format: 'pdf', page: 1 })).toBeNull()
    expect(check(schema, { format: '', page: 1 })).toContain('/format')
    expect(check(schema, { format: 'pdf', page: '1' })).toContain('/page')
    expect(check(schema, { page: 1 })).toContain('/format')
  })
})
