// Which server handles publish to: that of the Tako created last, else the environment's.
import { AppApi } from './api.js'

export const defaultSocketPath = '/run/tako/app.sock'

// In the process, not in this module: bundlers and loaders may give the definitions another copy of
// the package than the one that createTako was called in.
const key = Symbol.for('tako-channels.api')
const slot = globalThis as { [key]?: AppApi | undefined }

/** Handles publish through this one from now on. */
export function setCurrentApi(api: AppApi): void {
  slot[key] = api
}

/** `api` is closed: handles are not to use it any more. */
export function clearCurrentApi(api: AppApi): void {
  if (slot[key] === api) slot[key] = undefined
}

/** The one set, else one for `TAKO_APP_SOCKET` (and `TAKO_APP`, the app's id), which stays. */
export function currentApi(): AppApi {
  return (slot[key] ??= new AppApi(environmentAddress()))
}

/** Where the environment says that the server is. */
export function environmentAddress(): { socketPath: string; app?: string } {
  const { TAKO_APP_SOCKET, TAKO_APP } = process.env
  return {
    socketPath: TAKO_APP_SOCKET || defaultSocketPath,
    ...(TAKO_APP ? { app: TAKO_APP } : {}),
  }
}
