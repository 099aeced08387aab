import { and, isNotNull, not, exists, sql, type Column } from 'drizzle-orm'
import { readQuery } from '../store/read-query.ts'
import type { Tables } from '../schema/schema.ts'
import { buildQuery } from '../sql/statement.ts'
import type { Readable } from './source.ts'

interface Reference {
  readonly name: string
  readonly from: keyof Tables
  readonly column: (tables: Tables) => Column
  readonly to: 'users' | 'workflows' | 'executions'
}

const references: readonly Reference[] = [
  { name: 'api_keys.user_id', from: 'apiKeys', column: (t) => t.apiKeys.userId, to: 'users' },
  { name: 'settings.user_id', from: 'settings', column: (t) => t.settings.userId, to: 'users' },
  { name: 'workflows.owner_id', from: 'workflows', column: (t) => t.workflows.ownerId, to: 'users' },
  {
    name: 'workflow_versions.workflow_id',
    from: 'workflowVersions',
    column: (t) => t.workflowVersions.workflowId,
    to: 'workflows',
  },
  {
    name: 'workflow_versions.created_by',
    from: 'workflowVersions',
    column: (t) => t.workflowVersions.createdBy,
    to: 'users',
  },
  {
    name: 'workflow_shares.workflow_id',
    from: 'workflowShares',
    column: (t) => t.workflowShares.workflowId,
    to: 'workflows',
  },
  {
    name: 'workflow_shares.shared_with_user_id',
    from: 'workflowShares',
    column: (t) => t.workflowShares.sharedWithUserId,
    to: 'users',
  },
  { name: 'workflow_shares.shared_by', from: 'workflowShares', column: (t) => t.workflowShares.sharedBy, to: 'users' },
  { name: 'schedules.workflow_id', from: 'schedules', column: (t) => t.schedules.workflowId, to: 'workflows' },
  { name: 'schedules.created_by', from: 'schedules', column: (t) => t.schedules.createdBy, to: 'users' },
  { name: 'executions.workflow_id', from: 'executions', column: (t) => t.executions.workflowId, to: 'workflows' },
  { name: 'executions.user_id', from: 'executions', column: (t) => t.executions.userId, to: 'users' },
  {
    name: 'execution_history.execution_id',
    from: 'executionHistory',
    column: (t) => t.executionHistory.executionId,
    to: 'executions',
  },
]

/** What in a database refers to nothing, by the database's own word. */
export async function brokenReferences(database: Readable): Promise<readonly string[]> {
  const broken: string[] = []
  for (const reference of references) {
    const count = await countBroken(database, reference)
    if (count > 0) broken.push(`${reference.name} refers to nothing in ${count} rows`)
  }
  return broken
}

async function countBroken(database: Readable, { from, column, to }: Reference): Promise<number> {
  const { builder, tables } = database.dialect
  const child = column(tables)
  const { id } = tables[to]
  const parent = builder
    .select({ one: sql`1` })
    .from(tables[to])
    .where(sql`${id} = ${child}`)
  const query = buildQuery(
    builder
      .select({ rows: sql<number>`count(*)`.mapWith(Number) })
      .from(tables[from])
      .where(and(isNotNull(child), not(exists(parent)))),
  )
  const [row] = await readQuery(database, query)
  return row?.rows ?? 0
}
