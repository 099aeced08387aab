import { useRef, useState } from 'preact/hooks'

export interface Action<Input extends readonly unknown[]> {
  readonly run: (...input: Input) => Promise<boolean>
  readonly isBusy: boolean
  readonly error: unknown
  readonly clear: () => void
}

/** Does a thing once at a time; what it throws is its error until the next time. */
export function useAction<Input extends readonly unknown[]>(act: (...input: Input) => Promise<void>): Action<Input> {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const running = useRef(false)
  return {
    isBusy,
    error,
    clear: () => setError(undefined),
    async run(...input) {
      if (running.current) return false
      running.current = true
      setBusy(true)
      setError(undefined)
      try {
        await act(...input)
        return true
      } catch (thrown) {
        setError(thrown)
        return false
      } finally {
        running.current = false
        setBusy(false)
      }
    },
  }
}
