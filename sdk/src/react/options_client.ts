// A provider's own client: made from options that are written anew on every render.
import { createClient } from '../client/index.js'
import type { ClientOptions, Token } from '../client/types.js'
import { OwnedClient } from './client_source.js'
import { valueKey } from './value_key.js'

/** Follows a changing token; any other change asks for another client (`fits`). */
export class OptionsClient extends OwnedClient {
  readonly #key: string
  #token: Token
  #tokenGiven: Token = null

  constructor(options: ClientOptions) {
    super(() => createClient({ ...options, token: this.#nextToken() }))
    this.#key = keyOf(options)
    this.#token = options.token ?? null
  }

  /** False when these options ask for another client. Functions are read when it is made. */
  fits(options: ClientOptions): boolean {
    return keyOf(options) === this.#key
  }

  /** The token that holds from now on; tells nobody, so a commit may call it. */
  adoptToken(token: Token | undefined): void {
    this.#token = token ?? null
  }

  /** Gives the client a token that is another value; a function is asked at every need anyway. */
  applyToken(): void {
    const before = this.#tokenGiven
    if (this.current !== null && this.#nextToken() !== before)
      this.current.setToken(this.#tokenGiven)
  }

  #nextToken(): Token {
    this.#tokenGiven = typeof this.#token === 'function' ? this.#ask : this.#token
    return this.#tokenGiven
  }

  // The function of the last render, which is another one each time.
  readonly #ask = (): string | null | Promise<string | null> =>
    typeof this.#token === 'function' ? this.#token() : this.#token
}

function keyOf(options: ClientOptions): string {
  return valueKey({ ...options, token: undefined })
}
