// From a definition to what PUT /v1/definitions takes (docs/protocol.md section 9).
import type { Definition } from './define.js'

/** A definition as JSON. What the app left out is left out here: defaults are the server's. */
export type WireDefinition = { readonly name: string } & Record<string, unknown>

export function wireDefinition({ name, config, schemaJson }: Definition): WireDefinition {
  const { paramsSchema: _schema, auth, handler, ...same } = config
  return {
    name,
    ...(schemaJson === undefined ? {} : { paramsSchema: schemaJson }),
    ...(auth === undefined ? {} : { auth: wireAuth(auth) }),
    ...(handler === undefined ? {} : { handlers: wireHandlers(handler) }),
    ...same,
  }
}

function wireAuth(auth: NonNullable<Definition['config']['auth']>): unknown {
  if (auth === false) return false
  const { headerName, cookieName } = auth
  return {
    ...(headerName === undefined ? {} : { headerName }),
    ...(cookieName === undefined ? {} : { cookieName }),
  }
}

// A function is run by the app, which the edge asks for each message: `dispatch`.
function wireHandlers(handler: NonNullable<Definition['config']['handler']>): unknown {
  return Object.fromEntries(
    Object.entries(handler).map(([type, how]) => [
      type,
      typeof how === 'function' ? 'dispatch' : how,
    ]),
  )
}
