/**
 * The process that sweeps for bench/retention.ts, as the one of `millrace serve --processes` that runs the jobs: it is told to
 * begin and to end, and tells of each run.
 */
import { sweepAudit } from '@millrace/db/repositories/accounts/expiry'
import { sweepEndedExecutions } from '@millrace/db/repositories/executions/retention'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../test/database.ts'
import type { SweepOrder, SweepRun } from './retention-sweeper.ts'

const database = await openNativeDatabase({ target: targetOf(process.env['DATABASE_URL'] ?? '') })
const dayMilliseconds = 86_400_000

let stopping = new AbortController()
let running: Promise<void> = Promise.resolve()

async function sweep(what: SweepRun['what'], { signal }: AbortController): Promise<void> {
  while (!signal.aborted) {
    const trips: number[] = []
    let statements = 0
    const store = database.store({
      trip(milliseconds, statement) {
        trips.push(milliseconds)
        statements += statement.split(';\n').length
      },
    })
    const startedAt = performance.now()
    const days = what === 'audit' ? 400 : 30
    const before = new Date(Date.now() - days * dayMilliseconds)
    const deleted = await (what === 'audit' ? sweepAudit(store, before) : sweepEndedExecutions(store, before))
    const milliseconds = performance.now() - startedAt
    const run: SweepRun = { what, deleted, milliseconds, trips, statements }
    process.send?.(run)
    if (deleted === 0) return
  }
}

process.on('message', (order: SweepOrder) => {
  if (order !== 'end') {
    stopping = new AbortController()
    running = sweep(order, stopping).catch((thrown: unknown) => {
      console.error(thrown)
      process.exit(1)
    })
    return
  }
  stopping.abort()
  void running.then(() => process.send?.('ended'))
})
process.on('disconnect', () => process.exit(0))
