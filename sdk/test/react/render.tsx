// Renders one hook in jsdom, below a provider, in strict mode if asked; every update inside `act`.
import { act, type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import type { TakoClient } from '../../src/client/index.js'
import { TakoProvider } from '../../src/react/index.js'

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

export interface RenderedHook<Props, Result> {
  /** Of the last commit. */
  readonly current: Result
  /** Of every render, in order. */
  readonly all: Result[]
  rerender(props: Props): Promise<void>
  unmount(): Promise<void>
}

export interface RenderHookOptions<Props> {
  props: Props
  strict?: boolean
  client?: TakoClient
}

/** Mounts a component that calls `hook` with its props. */
export async function renderHook<Props, Result>(
  hook: (props: Props) => Result,
  { props, strict = false, client }: RenderHookOptions<Props>,
): Promise<RenderedHook<Props, Result>> {
  const all: Result[] = []
  const Component = ({ given }: { given: Props }) => {
    all.push(hook(given))
    return null
  }
  const tree = (given: Props): ReactNode => {
    let node: ReactNode = <Component given={given} />
    if (client !== undefined) node = <TakoProvider client={client}>{node}</TakoProvider>
    return strict ? <StrictMode>{node}</StrictMode> : node
  }
  const root = createRoot(document.createElement('div'))
  await act(async () => root.render(tree(props)))
  return {
    all,
    get current() {
      return all.at(-1) as Result
    },
    rerender: (next) => act(async () => root.render(tree(next))),
    unmount: () => act(async () => root.unmount()),
  }
}
