import { randomUUID } from 'node:crypto'
import type { LogEntry } from '@millrace/api/log'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createScheduledRun, sweepSchedule } from '../functions/src/scheduled.ts'
import { reachDatabase, type ReachedDatabase } from './database.ts'
import { describeDialects } from './dialects.ts'
import { after, claim, createUser, createWorkflow, startExecution } from './executions/kit.ts'

describeDialects((dialect) => {
  let reached: ReachedDatabase
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
  })
  afterAll(() => reached.stop())

  const kept = { executionKeepMilliseconds: 86_400_000, auditKeepMilliseconds: 86_400_000 }

  /** Runs what the functions' schedule runs, and gives what it logs. */
  async function runScheduled(at: Date): Promise<readonly LogEntry[]> {
    const entries: LogEntry[] = []
    const log = (entry: LogEntry) => entries.push(entry)
    await createScheduledRun({ database: reached.database, backups: undefined, log, settings: kept })(at, sweepSchedule)
    return entries
  }

  const swept = (what: string, count: number) => ({ level: 'info', event: 'swept', what, count })

  test('a run fails leases that ran out with all attempts used up, deletes what has expired, and logs the counts', async () => {
    const store = reached.database.store()
    const owner = await createUser(store)
    const workflowId = await createWorkflow(store, owner)
    const { id } = await startExecution(store, owner, workflowId, { maxAttempts: 1 })
    await claim(store, owner, { at: after(1), leaseUntil: after(60) })
    const old = dialect === 'sqlite' ? '0' : `'2020-01-01 00:00:00'`
    await reached.raw.query(
      `insert into sessions (id, family_id, user_id, refresh_sha256, created_at, last_used_at, expires_at) values ('${randomUUID()}', 'f', '${owner.userId}', 'r', ${old}, ${old}, ${old})`,
    )
    expect(await runScheduled(after(59))).toEqual(
      expect.arrayContaining([
        swept('executions', 0),
        swept('sessions', 1),
        swept('idempotencyKeys', 0),
        swept('loginAttempts', 0),
      ]),
    )
    expect(await getExecution(store, owner, id)).toMatchObject({ value: { status: 'running' } })
    expect(await runScheduled(after(60))).toContainEqual(swept('executions', 1))
    expect(await getExecution(store, owner, id)).toMatchObject({
      value: { status: 'failed', error: expect.stringContaining('"lease_expired"') },
    })
  })

  test('a restore under way is left alone', async () => {
    const store = reached.database.store()
    const owner = await createUser(store)
    const workflowId = await createWorkflow(store, owner)
    const { id } = await startExecution(store, owner, workflowId, { maxAttempts: 1 })
    await claim(store, owner, { at: after(1), leaseUntil: after(60) })
    await reached.raw.query(`update marks set value = 'restoring' where name = 'restore'`)
    await runScheduled(after(100))
    await reached.raw.query(`update marks set value = null where name = 'restore'`)
    expect(await getExecution(store, owner, id)).toMatchObject({ value: { status: 'running' } })
  })

  test('what can’t be swept is logged with its cause and fix, and the rest is done', async () => {
    await reached.raw.query('drop table login_attempts')
    const lines = await runScheduled(after(200))
    expect(lines).toContainEqual(swept('sessions', 0))
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        event: 'sweep_failed',
        what: 'loginAttempts',
        cure: expect.stringContaining('millrace migrate'),
      }),
    )
  })
})
