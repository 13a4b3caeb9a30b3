// Whatever defineChannel lets pass as a params schema, the real broker takes.
import { Type } from '@sinclair/typebox'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createTako, defineChannel } from '../../src/index.js'
import { Cluster } from '../support/cluster.js'

let cluster: Cluster
beforeAll(async () => {
  cluster = await Cluster.start()
})
afterAll(() => cluster.stop())

const text = { $id: 'x', title: 't', description: 'd', examples: ['a'], default: 'a' }

test.each([
  ['strings', Type.String({ minLength: 1, maxLength: 9, pattern: '^[a-z]+$', ...text })],
  ['formats', Type.String({ format: 'uuid' })],
  ['integers', Type.Integer({ minimum: 0, exclusiveMaximum: 10, multipleOf: 2 })],
  ['numbers', Type.Number({ exclusiveMinimum: 0, maximum: 0.5 })],
  ['booleans', Type.Boolean()],
  ['null', Type.Null()],
  ['literals', Type.Union([Type.Literal('a'), Type.Literal(1), Type.Literal(true)])],
  ['enums', Type.Enum({ A: 'a', B: 'b' })],
  ['plain JSON Schema', Type.Unsafe<string>({ type: ['string', 'null'], enum: ['a', null] })],
  ['templates', Type.TemplateLiteral('room-${string}')],
  ['arrays', Type.Array(Type.String(), { minItems: 1, maxItems: 3, uniqueItems: true })],
  ['objects', Type.Object({ a: Type.Optional(Type.String()) }, { additionalProperties: false })],
  ['unions', Type.Union([Type.String(), Type.Null()])],
])('%s', async (_, param) => {
  const channel = defineChannel('c', {
    auth: false,
    paramsSchema: (t) => t.Object({ p: t.Optional(param) }, { additionalProperties: false }),
  })
  const tako = createTako({ channels: [channel], socketPath: cluster.appSocket })
  await expect(tako.start()).resolves.toBeUndefined()
  await tako.close()
})
