import { availableParallelism } from 'node:os'
import type { RetentionResult, Slices } from './retention.ts'
import type { LockWaits } from './retention-database.ts'
import { retentionActs, type FeltByAct, type RetentionAct } from './retention-load.ts'
import type { SweepRun } from './retention-sweeper.ts'
import { quantileOf, sumOf } from './statistics.ts'
import { table } from './table.ts'

/** One table in Markdown: what each act feels, and below it what the sweep does. */
export function retentionTable(result: RetentionResult, load: number): string {
  const { dialect, rows, pace, paced, full } = result
  const machine = `${availableParallelism()} cores, load ${load.toFixed(1)}`
  const head = ['', 'p50 / p99 ms', 'beside the sweep', 'requests/s', 'beside the sweep', 'ratio']
  const lines = retentionActs.map((act) => {
    const rates = [full.withoutSweep, full.besideSweep].map((felt) => rateOf(felt, act))
    const [without = 0, beside = 0] = rates
    const cells = [quantiles(paced.withoutSweep, act), quantiles(paced.besideSweep, act)]
    return [act, ...cells, without.toFixed(0), beside.toFixed(0), (beside / without).toFixed(2)]
  })
  return [
    `${dialect}, ${rows.toLocaleString('en')} ended executions (${machine}); p50 and p99 at ${pace} of each act a second, requests/s as fast as they are answered`,
    '',
    table(head, lines),
    '',
    ...sweepLines(result).map(([name, value]) => `- ${name}: ${value}`),
  ].join('\n')
}

function sweepLines({ runs, locks, bytes, fillSeconds }: RetentionResult): readonly (readonly [string, string])[] {
  const { alone } = runs
  const half = Math.floor(alone.length / 2)
  return [
    [
      'executions deleted a second, alone',
      `${speedOf(alone)} (first half ${speedOf(alone.slice(0, half))}, second half ${speedOf(alone.slice(half))})`,
    ],
    ['beside paced requests, beside all', `${speedOf(runs.paced)}, ${speedOf(runs.full)}`],
    ['audit events deleted a second, alone', speedOf(runs.audit)],
    ['one run', runOf(alone)],
    ['longest round trip alone, beside requests', `${longest(alone)} ms, ${longest([...runs.paced, ...runs.full])} ms`],
    ['waits for locks without, beside the sweep', `${waitsOf(locks.withoutSweep)}, ${waitsOf(locks.besideSweep)}`],
    ['size before, after', `${megabytes(bytes.before)}, ${megabytes(bytes.after)}`],
    ['seconds to fill', fillSeconds.toFixed(0)],
  ]
}

function rateOf(slices: Slices['withoutSweep'], act: RetentionAct): number {
  return sumOf(slices.map((felt) => felt[act].perSecond)) / slices.length
}

function quantiles(slices: readonly FeltByAct[], act: RetentionAct): string {
  const latencies = slices.flatMap((felt) => felt[act].latencies)
  return `${quantileOf(latencies, 0.5).toFixed(1)} / ${quantileOf(latencies, 0.99).toFixed(1)}`
}

function speedOf(runs: readonly SweepRun[]): string {
  const deleted = sumOf(runs.map((run) => run.deleted))
  const milliseconds = sumOf(runs.map((run) => run.milliseconds))
  return milliseconds === 0 ? 'none' : Math.round((deleted * 1000) / milliseconds).toLocaleString('en')
}

/** A run in the middle: the last one finds little. */
function runOf(runs: readonly SweepRun[]): string {
  const run = runs.toSorted((one, other) => one.milliseconds - other.milliseconds)[Math.floor(runs.length / 2)]
  if (run === undefined) return 'none'
  const { deleted, milliseconds, trips, statements } = run
  return `${deleted.toLocaleString('en')} rows in ${(milliseconds / 1000).toFixed(2)} s, ${trips.length} round trips, ${statements} statements; a round trip ${quantileOf(trips, 0.5).toFixed(1)} ms (p50), ${quantileOf(trips, 0.99).toFixed(1)} ms (p99)`
}

function longest(runs: readonly SweepRun[]): string {
  return Math.max(0, ...runs.flatMap(({ trips }) => trips)).toFixed(0)
}

function waitsOf(waits: LockWaits | undefined): string {
  if (waits === undefined) return 'not counted'
  return `${waits.waits} (${waits.milliseconds} ms, ${waits.deadlocks} deadlocks)`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
