import { useEffect, useState } from 'preact/hooks'

let text = ''
const listeners = new Set<() => void>()

/** Says that something was done, for a moment. */
export function notify(message: string): void {
  text = message
  for (const listener of listeners) listener()
}

export function Notices() {
  const [shown, setShown] = useState('')
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const listener = (): void => {
      setShown(text)
      clearTimeout(timer)
      timer = setTimeout(() => setShown(''), 5000)
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [])
  return (
    <div role="status" class={shown === '' ? 'notice' : 'notice shown'}>
      {shown}
    </div>
  )
}
