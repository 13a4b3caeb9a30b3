// The app's definitions by name, as the server looks them up: exact, else the longest prefix.
import { type Definition, definitionOf } from '../define/define.js'
import { TakoError } from '../error.js'

export class DefinitionRegistry {
  readonly all: readonly Definition[]
  readonly #byName: ReadonlyMap<string, Definition>
  readonly #prefixes: readonly Definition[]

  /** @throws {TakoError} `usage-invalid`: something is no channel, or a name occurs twice */
  constructor(channels: readonly unknown[]) {
    this.all = channels.map((channel, index) => {
      const definition = definitionOf(channel)
      if (definition !== undefined) return definition
      throw new TakoError('usage-invalid', `channels[${index}] is no channel`, {
        hint: 'List what defineChannel returned, or give the folder that holds the definitions.',
      })
    })
    this.#byName = new Map(this.all.map((definition) => [definition.name, definition]))
    const twice = this.all.find((definition) => this.#byName.get(definition.name) !== definition)
    if (twice !== undefined) {
      throw new TakoError('usage-invalid', `two definitions are named '${twice.name}'`, {
        hint: 'Rename one; each name has one definition.',
      })
    }
    this.#prefixes = this.all
      .filter(({ name }) => name.endsWith('*'))
      .sort((a, b) => b.name.length - a.name.length)
  }

  find(channel: string): Definition | undefined {
    return (
      (channel.endsWith('*') ? undefined : this.#byName.get(channel)) ??
      this.#prefixes.find(({ name }) => channel.startsWith(name.slice(0, -1)))
    )
  }
}
