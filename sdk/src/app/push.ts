// Gives the server the app's definitions, so that they hold from now on.
import type { Definition } from '../define/define.js'
import { wireDefinition } from '../define/wire.js'
import { TakoError } from '../error.js'
import type { AppApi } from '../publish/api.js'

/**
 * Replaces the app's definitions; resolves when every linked edge applies them, or with the names of
 * those that have not within a second. A server that is not there yet is waited for.
 * @throws {TakoError} as a rejection: `definition-invalid` says which and why
 */
export async function pushDefinitions(
  api: AppApi,
  definitions: readonly Definition[],
  timeoutMs?: number,
): Promise<string[]> {
  try {
    return await api.putDefinitions(definitions.map(wireDefinition), timeoutMs)
  } catch (failure) {
    throw explain(failure, definitions)
  }
}

// The server knows no functions: it names what it was sent. Here it is known what the app wrote.
function explain(failure: unknown, definitions: readonly Definition[]): unknown {
  if (!(failure instanceof TakoError) || failure.code !== 'definition-invalid') return failure
  const functions = definitions.flatMap(functionHandlers)
  if (functions.length === 0 || !failure.message.includes('dispatch')) return failure
  return new TakoError(failure.code, failure.message, {
    status: failure.status,
    hint:
      `This server does not run handler functions (${functions.join(', ')}). Write 'relay' or ` +
      "'ephemeral' instead, and publish from a route of the app what it has to check first.",
    cause: failure,
  })
}

/** `chat.msg` for every function among a definition's handlers. */
export function functionHandlers({ name, config }: Definition): string[] {
  return Object.entries(config.handler ?? {})
    .filter(([, handler]) => typeof handler === 'function')
    .map(([type]) => `${name}.${type}`)
}
