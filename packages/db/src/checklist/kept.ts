import { inArray, sql } from 'drizzle-orm'
import { readQuery } from '../store/read-query.ts'
import type { ExecutionStatus } from '../schema/schema.ts'
import { buildQuery } from '../sql/building.ts'
import type { Transport } from '../sql/transport.ts'
import { ok, warn, type Finding } from './finding.ts'

/** From so many on, backups and restores feel them. More are not counted. */
const many = 10_000

const ended: ExecutionStatus[] = ['completed', 'failed', 'cancelled']

/** `executions.kept`: ended executions that nothing will ever delete. */
export async function checkKeptExecutions(transport: Transport, areSwept: boolean): Promise<Finding> {
  const id = 'executions.kept'
  if (areSwept) return ok(id, 'EXECUTION_KEEP limits how long ended executions are kept.')
  const { builder, tables } = transport.dialect
  const { executions } = tables
  const found = builder
    .select({ one: sql`1`.as('one') })
    .from(executions)
    .where(inArray(executions.status, ended))
    .limit(many)
    .as('found')
  const counted = builder.select({ rows: sql<number>`count(*)`.mapWith(Number) }).from(found)
  const [row] = await readQuery(transport, buildQuery(counted))
  if ((row?.rows ?? 0) < many) return ok(id, 'There are few ended executions.')
  return warn(
    id,
    `There are ${many} ended executions or more, and they are kept forever.`,
    'Set EXECUTION_KEEP, such as 30d: the scheduled clean-up then deletes older ones.',
  )
}
