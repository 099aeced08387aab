import { SingleBar } from 'cli-progress'
import type { Options, Params } from 'cli-progress'

/** How far a command is, shown on standard error. */
export interface Progress {
  advance(count: number, bytes: number): void
  end(): void
}

const lineMilliseconds = 10_000

interface Payload {
  readonly bytes: number
}

const megabyte = 1_000_000

/** `1,200 of 5,000 rows, 3.4 MB, 600 rows/s, 6 s left`. */
export function progressLine(
  { value, total, startTime, eta }: Pick<Params, 'value' | 'total' | 'startTime' | 'eta'>,
  bytes: number,
  unit: string,
  now: number,
): string {
  const seconds = (now - startTime) / 1000
  const rate = seconds > 0 ? Math.round(value / seconds) : 0
  const parts = [`${count(value)} of ${count(total)} ${unit}`]
  if (bytes > 0) parts.push(`${(bytes / megabyte).toFixed(1)} MB`)
  parts.push(`${count(rate)} ${unit}/s`)
  if (value > 0 && value < total && Number.isFinite(eta)) parts.push(`${Math.ceil(eta)} s left`)
  return parts.join(', ')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** On a terminal one line that is drawn anew; elsewhere a line every 10 seconds. */
export function startProgress(total: number, unit: string): Progress {
  let bytes = 0
  const bar = new SingleBar({
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: lineMilliseconds,
    clearOnComplete: true,
    hideCursor: true,
    format: (_options: Options, params: Params, payload: Payload) =>
      progressLine(params, payload.bytes, unit, Date.now()),
  })
  bar.start(total, 0, { bytes })
  return {
    advance(counted, more) {
      bytes += more
      bar.increment(counted, { bytes })
    },
    end: () => bar.stop(),
  }
}
