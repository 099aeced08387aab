import { SingleBar, type Options, type Params } from 'cli-progress'

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

/** `1,200 of 5,000 rows, 3.4 MB, 600 rows/s, 6 s left`; without a rate as long as there is none. */
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
  if (rate > 0) parts.push(`${count(rate)} ${unit}/s`)
  if (value > 0 && value < total && Number.isFinite(eta)) parts.push(`${Math.ceil(eta)} s left`)
  return parts.join(', ')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

const barWidth = 24

/** `████████░░░░░░░░` */
export function barOf(share: number): string {
  const done = Math.round(Math.min(1, Math.max(0, share)) * barWidth)
  return '█'.repeat(done) + '░'.repeat(barWidth - done)
}

/** On a terminal a bar on one line that is drawn anew; elsewhere a line every 10 seconds. */
export function startProgress(total: number, unit: string): Progress {
  return process.stderr.isTTY ? startBar(total, unit) : startLines(total, unit)
}

function startBar(total: number, unit: string): Progress {
  let bytes = 0
  const bar = new SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    format: (_options: Options, params: Params, payload: Payload) =>
      `${barOf(params.progress)} ${progressLine(params, payload.bytes, unit, Date.now())}`,
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

/** What is done before the first of them is due says nothing. */
function startLines(total: number, unit: string): Progress {
  const startTime = Date.now()
  let value = 0
  let bytes = 0
  const timer = setInterval(() => {
    const now = Date.now()
    const eta = value === 0 ? Number.NaN : ((total - value) * (now - startTime)) / 1000 / value
    process.stderr.write(`${progressLine({ value, total, startTime, eta }, bytes, unit, now)}\n`)
  }, lineMilliseconds)
  timer.unref()
  return {
    advance(counted, more) {
      value += counted
      bytes += more
    },
    end: () => clearInterval(timer),
  }
}
