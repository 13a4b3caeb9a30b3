// The app's side: define channels, answer the edge's callbacks, publish.
export { TakoError, serverErrors, localErrors } from './error.js'
export type { ErrorCode, ErrorInfo, TakoErrorOptions } from './error.js'
export type * from './types.js'
export type * from './registry.js'

/**
 * The app's channels by name. `tako-channels generate` writes a file that fills it:
 * `declare module 'tako-channels' { interface TakoChannels { chat: InferChannel<…> } }`
 */
export interface TakoChannels {}
