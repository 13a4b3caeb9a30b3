// From a TypeBox schema to the JSON Schema subset that the server takes, and the check of params.
import { type TObject, Type } from '@sinclair/typebox'
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
  const checkable = withoutFormats(schema) as TObject
  return (params) => {
    if (Value.Check(checkable, params)) return null
    const first = Value.Errors(checkable, params).First()
    return first === undefined ? 'params do not fit' : `${first.path}: ${first.message}`
  }
}

// TypeBox refuses every value of a format that it has not been taught. The edge knows its formats and
// has checked them, so here they are left out rather than written a second time, slightly differently.
function withoutFormats(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutFormats)
  if (typeof node !== 'object' || node === null) return node
  const copy: Record<PropertyKey, unknown> = {}
  for (const key of Reflect.ownKeys(node)) {
    const value = (node as Record<PropertyKey, unknown>)[key]
    if (key === 'format' && typeof value === 'string') continue
    copy[key] = withoutFormats(value)
  }
  return copy
}
