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

// A function is a message that the app itself handles: `dispatch`. That a server does not know it is
// the server's to say; to relay instead would deliver what the app meant to check.
function wireHandlers(handler: NonNullable<Definition['config']['handler']>): unknown {
  return Object.fromEntries(
    Object.entries(handler).map(([type, how]) => [
      type,
      typeof how === 'function' ? 'dispatch' : how,
    ]),
  )
}
