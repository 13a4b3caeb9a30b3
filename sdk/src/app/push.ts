// Gives the server the app's definitions, so that they hold from now on.
import type { Definition } from '../define/define.js'
import { wireDefinition } from '../define/wire.js'
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
  return api.putDefinitions(definitions.map(wireDefinition), timeoutMs)
}
