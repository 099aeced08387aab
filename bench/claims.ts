/**
 * Claims a second from a queue of 10,000 pending executions, by native drivers as in `millrace serve`.
 *
 *   DATABASE_URL=postgresql://… node bench/claims.ts [workers …]
 *
 * The database has to be empty; it is migrated and filled.
 */
import { migrate } from '@millrace/db/migrate/migrate'
import { claimExecutions } from '@millrace/db/repositories/executions/claim'
import { readMigrations } from '@millrace/cli/migrations'
import { isNative, openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../test/database.ts'
import { createUser, createWorkflow, startExecution } from '../test/executions/kit.ts'
import { workspaceRoot } from '../test/workspace.ts'

const queued = Number(process.env['QUEUED'] ?? 10_000)
const seconds = 8

const target = targetOf(process.env['DATABASE_URL'] ?? '')
if (!isNative(target)) throw new Error('DATABASE_URL has to be of a database that native drivers reach')
const database = await openNativeDatabase({ target, log: () => undefined, sharesTrips: true })
await migrate(database, readMigrations(workspaceRoot, target.dialect))
const store = database.store()
const owner = await createUser(store)
for (const workers of process.argv.slice(2).map(Number)) {
  const workflowId = await createWorkflow(store, owner)
  let left = queued
  const fill = async () => {
    for (left -= 1; left >= 0; left -= 1) await startExecution(store, owner, workflowId)
  }
  await Promise.all(Array.from({ length: 8 }, fill))
  const seen = new Set<string>()
  const until = Date.now() + seconds * 1000
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const work = async () => {
    for (;;) {
      const at = new Date()
      if (at.getTime() > until) return
      const leaseUntil = new Date(at.getTime() + 60_000)
      const claim = {
        operation: crypto.randomUUID(),
        worker: 'bench',
        limit: 1,
        at,
        leaseUntil,
        workflowIds: [workflowId],
      }
      const claimed = await claimExecutions(store, owner, claim)
      if (!claimed.ok || !('items' in claimed.value) || claimed.value.items.length === 0) return
      for (const { id } of claimed.value.items) {
        if (seen.has(id)) throw new Error(`${id} was claimed twice`)
        seen.add(id)
      }
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  const took = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  const cpuMilliseconds = Number(((user + system) / 1000 / seen.size).toFixed(2))
  const perSecond = Math.round(seen.size / took)
  process.stdout.write(`${JSON.stringify({ workers, claims: seen.size, perSecond, cpuMilliseconds })}\n`)
}
await database.close()
