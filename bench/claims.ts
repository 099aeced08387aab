/**
 * Claims a second from a queue of 10,000 pending executions, by native drivers as in `millrace serve`.
 *
 *   DATABASE_URL=postgresql://… node bench/claims.ts [workers …]
 *
 * The database has to be empty; it is migrated and filled. bench/durable.ts compares claims with other queues', and has
 * workers with an API key each and in two processes.
 */
import { migrate } from '@millrace/db/migrate/migrate'
import { readMigrations } from '@millrace/cli/migrations'
import { isNative, openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../test/database.ts'
import { createUser, createWorkflow, startExecution } from '../test/executions/kit.ts'
import { workspaceRoot } from '../test/workspace.ts'
import { claimAll } from './peers/millrace-claims.ts'

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
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const callers = Array.from({ length: workers }, () => owner)
  const taken = await claimAll(store, { workflowId, milliseconds: seconds * 1000, callers })
  if (new Set(taken).size < taken.length) throw new Error('an execution was claimed twice')
  const took = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  const cpuMilliseconds = Number(((user + system) / 1000 / taken.length).toFixed(2))
  const perSecond = Math.round(taken.length / took)
  process.stdout.write(`${JSON.stringify({ workers, claims: taken.length, perSecond, cpuMilliseconds })}\n`)
}
await database.close()
