// From a TypeBox schema to the JSON Schema subset that the server takes, and the check of params.
import { Kind, type TObject, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

import { TakoError } from '../error.js'
import type { Json } from '../types.js'

type Plain = { [name: string]: Json }

const types = new Set(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'])

// docs/protocol.md section 1. The server refuses the rest too; here the error comes before anything
// is sent, with the line of the app that wrote it.
const keywords = new Set([
  ...['type', 'properties', 'required', 'additionalProperties', 'enum', 'const', 'anyOf'],
  ...['minLength', 'maxLength', 'pattern', 'format'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['items', 'minItems', 'maxItems', 'uniqueItems'],
  ...['$comment', '$id', '$schema', 'default', 'deprecated', 'description', 'examples'],
  ...['readOnly', 'title', 'writeOnly'],
])

const advice: Record<string, string> = {
  RegExp: "use t.String({ pattern: '…' })",
  Date: "use t.String({ format: 'date-time' }), or t.Integer() for ms since 1970",
  bigint: 'use t.Integer(), which has 64 bits',
  undefined: 'use t.Optional(…) for a param that may be missing',
  Uint8Array: 'use t.String()',
  allOf: 'write the members into one t.Object({…}), or use t.Composite',
  patternProperties: 'use t.Object({…}) with the names written out',
  additionalItems: 'use t.Array(…)',
  $ref: 'write the schema out where it is used',
}

/** Gives the builder (TypeBox's `Type`) to a function; a schema is taken as it is. */
export function buildSchema<S extends TObject>(
  channel: string,
  given: S | ((t: typeof Type) => S),
): S {
  const schema = typeof given === 'function' ? given(Type) : given
  if ((schema as { type?: unknown } | null)?.type !== 'object') {
    throw new TakoError('usage-invalid', `channel ${channel}: paramsSchema is no object schema`, {
      hint: 'Return t.Object({ … }) from paramsSchema.',
    })
  }
  return schema
}

/**
 * The schema as JSON, as `PUT /v1/definitions` takes it.
 * @throws {TakoError} `usage-invalid`: it holds something that the server can't check
 */
export function schemaJson(channel: string, schema: TObject): Plain {
  const plain = JSON.parse(JSON.stringify(schema)) as Plain
  checkNode(plain, `channel ${channel}: paramsSchema`)
  return plain
}

function checkNode(node: Json | undefined, where: string): void {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) {
    throw refuse(where, 'this form of a schema')
  }
  for (const type of [node.type ?? []].flat()) {
    if (typeof type !== 'string' || !types.has(type)) throw refuse(where, String(type))
  }
  if (Array.isArray(node.items)) throw refuse(where, 'additionalItems', 'a tuple')
  for (const keyword of Object.keys(node)) {
    if (!keywords.has(keyword)) throw refuse(where, keyword)
  }
  if (node.items !== undefined) checkNode(node.items, `${where}[]`)
  for (const branch of (node.anyOf ?? []) as Json[]) checkNode(branch, where)
  for (const [name, property] of Object.entries((node.properties ?? {}) as Plain)) {
    checkNode(property, `${where}.${name}`)
  }
  if (typeof (node.additionalProperties ?? true) !== 'boolean') {
    throw refuse(where, 'additionalProperties', 'additionalProperties as a schema')
  }
}

function refuse(where: string, key: string, what = `'${key}'`): TakoError {
  return new TakoError('usage-invalid', `${where}: ${what} is not supported by the server`, {
    hint: `${advice[key] ?? 'see docs/protocol.md section 1 for what a params schema may hold'}.`,
  })
}

/** Says whether params fit; made once for each definition. */
export type ParamsCheck = (params: unknown) => string | null

/** A check of what the edge has checked before: the reason of a refusal, or null. */
export function paramsCheck(schema: TObject): ParamsCheck {
  const shape = shapeOf(schema)
  return (params) => {
    if (Value.Check(shape, params)) return null
    const first = Value.Errors(shape, params).First()
    return first === undefined ? 'params do not fit' : `${first.path}: ${first.message}`
  }
}

// Rules that the edge has checked, and that TypeBox would judge otherwise: it refuses every format that
// it has not been taught, throws at a pattern that only RE2 reads, counts length in UTF-16 units, and
// divides 0.3 by 0.1 in binary. A client that the edge let pass would be refused here, for ever.
const edgeRules = ['format', 'pattern', 'maxLength', 'multipleOf']

function shapeOf(schema: TSchema): TSchema {
  // Plain JSON Schema, also as t.Unsafe: TypeBox can't check what it has not made.
  if (schema[Kind] === undefined || schema[Kind] === 'Unsafe') return Type.Unknown()
  const shape: TSchema = { ...schema }
  for (const rule of edgeRules) delete shape[rule]
  if (schema.items) shape.items = shapeOf(schema.items)
  if (schema.anyOf) shape.anyOf = schema.anyOf.map(shapeOf)
  if (schema.properties) {
    const properties = Object.entries<TSchema>(schema.properties)
    shape.properties = Object.fromEntries(properties.map(([name, each]) => [name, shapeOf(each)]))
  }
  return shape
}
