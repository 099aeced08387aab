import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export interface Loaded<Value> {
  /** The last one that came; it stays while another is loaded. */
  readonly value: Value | undefined
  readonly error: unknown
  readonly isLoading: boolean
  readonly reload: () => void
  readonly replace: (value: Value) => void
}

interface State<Value> {
  readonly key: string
  readonly value: Value | undefined
  readonly error: unknown
  readonly isLoading: boolean
}

/** Loads when the key changes, and again on demand. Another key's value is never shown. */
export function useLoad<Value>(key: string, load: (signal: AbortSignal) => Promise<Value>): Loaded<Value> {
  const [state, setState] = useState<State<Value>>({ key, value: undefined, error: undefined, isLoading: true })
  const [turn, setTurn] = useState(0)
  const loader = useRef(load)
  loader.current = load
  useEffect(() => {
    const abort = new AbortController()
    setState((was) => ({ key, value: was.key === key ? was.value : undefined, error: undefined, isLoading: true }))
    const begin = async (): Promise<void> => {
      try {
        const value = await loader.current(abort.signal)
        if (!abort.signal.aborted) setState({ key, value, error: undefined, isLoading: false })
      } catch (error) {
        if (!abort.signal.aborted) setState((was) => ({ ...was, error, isLoading: false }))
      }
    }
    void begin()
    return () => abort.abort()
  }, [key, turn])
  const reload = useCallback(() => setTurn((count) => count + 1), [])
  const replace = useCallback((value: Value) => setState({ key, value, error: undefined, isLoading: false }), [key])
  const { value, error, isLoading } =
    state.key === key ? state : { value: undefined, error: undefined, isLoading: true }
  return { value, error, isLoading, reload, replace }
}

/** Calls again and again while the page is looked at. */
export function usePolling(milliseconds: number | undefined, act: () => void): void {
  const latest = useRef(act)
  latest.current = act
  useEffect(() => {
    if (milliseconds === undefined) return undefined
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') latest.current()
    }, milliseconds)
    return () => clearInterval(timer)
  }, [milliseconds])
}
