import { useEffect, useState } from 'preact/hooks'
import { words } from '../words.ts'

const exact = new Intl.DateTimeFormat(words.locale, { dateStyle: 'full', timeStyle: 'long' })
const short = new Intl.DateTimeFormat(words.locale, { dateStyle: 'medium', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(words.locale, { numeric: 'auto' })

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

function relativeWords(at: Date): string {
  const seconds = (at.getTime() - Date.now()) / 1000
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit)
  }
  return relative.format(Math.trunc(seconds), 'second')
}

interface InstantProps {
  readonly at: string | null
  /** As a date and time, in place of how long ago. */
  readonly isExact?: boolean
}

/** A time in the viewer's zone; the exact one where the pointer rests. */
export function Instant({ at, isExact = false }: InstantProps) {
  const [, render] = useState(0)
  useEffect(() => {
    if (isExact) return undefined
    const timer = setInterval(() => render((count) => count + 1), 15_000)
    return () => clearInterval(timer)
  }, [isExact])
  if (at === null) return <span class="faint">{words.none}</span>
  const moment = new Date(at)
  return (
    <time dateTime={at} title={`${exact.format(moment)} (${at})`}>
      {isExact ? short.format(moment) : relativeWords(moment)}
    </time>
  )
}

interface LabelledInstantProps {
  readonly label: string
  readonly at: string | null
  readonly isFaint?: boolean
}

/** A time, and what it is the time of. */
export function LabelledInstant({ label, at, isFaint = false }: LabelledInstantProps) {
  return (
    <span class={isFaint ? 'faint' : undefined}>
      {label} <Instant at={at} />
    </span>
  )
}

/** A date and time to the second, of milliseconds since the epoch. */
export function exactWords(milliseconds: number): string {
  return short.format(milliseconds)
}

/** `1 h 02 min`, `3.2 s`, `40 ms`. */
export function durationWords(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}
