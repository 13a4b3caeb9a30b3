// The browser's side: subscribe, send, read history. No framework, no Node code.
export { TakoError } from '../error.js'
export type { ErrorCode } from '../error.js'
export { createClient } from './client.js'
export type { TakoClient } from './client.js'
export type * from './types.js'
export type * from '../types.js'
export type * from '../registry.js'
