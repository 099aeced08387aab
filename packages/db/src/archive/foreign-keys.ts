import { and, isNotNull, not, exists, sql, type Column } from 'drizzle-orm'
import { readQuery } from '../store/read-query.ts'
import type { Tables } from '../schema/schema.ts'
import { buildQuery } from '../sql/statement.ts'
import { RestoreError } from './restore-error.ts'
import { archiveTables } from './tables.ts'
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

/**
 * Refuses rows that refer to nothing, by the database's own word: they may have been written where it checks none.
 * @throws RestoreError `proof_failed`
 */
export async function refuseBrokenReferences(database: Readable): Promise<void> {
  for (const reference of references) {
    const id = await firstBroken(database, reference)
    if (id === undefined) continue
    const row = await referringRow(database, reference, id)
    throw new RestoreError('proof_failed', {
      what: `The database has a row that refers to nothing: ${row}, whose ${reference.name} is ${JSON.stringify(id)}, which is not in ${reference.to}.`,
      why: 'The rows were written without checking foreign keys, and checked when all were there.',
      fix: 'Empty it with `millrace restore --abandon`, and report this if it happens again.',
    })
  }
}

/** One of the rows that refer to it, for people. */
async function referringRow(database: Readable, { from, column }: Reference, id: string): Promise<string> {
  const { builder, tables } = database.dialect
  const child = column(tables)
  const { name = from, key = [] } = archiveTables.find(({ property }) => property === from) ?? {}
  const keys = key.map((keyName) => [keyName, sql`${sql.identifier(keyName)}`.mapWith(String)] as const)
  const query = builder
    .select(Object.fromEntries(keys))
    .from(tables[from])
    .where(sql`${child} = ${sql.param(id, child)}`)
    .limit(1)
  const [row = {}] = await readQuery(database, buildQuery(query))
  return `${name} ${Object.values(row)
    .map((value) => JSON.stringify(value))
    .join(', ')}`
}

/** Of the values that there are, each once: they are few, and an index has them. */
async function firstBroken(database: Readable, { from, column, to }: Reference): Promise<string | undefined> {
  const { builder, tables } = database.dialect
  const child = column(tables)
  const { id } = tables[to]
  const values = builder
    .selectDistinct({ value: sql<string>`${child}`.as('value') })
    .from(tables[from])
    .where(isNotNull(child))
    .as('referring')
  const parent = builder
    .select({ one: sql`1` })
    .from(tables[to])
    .where(sql`${id} = ${values.value}`)
  const query = builder
    .select({ value: sql<string>`${values.value}`.mapWith(String) })
    .from(values)
    .where(not(exists(parent)))
    .limit(1)
  const [row] = await readQuery(database, { ...buildQuery(query), timeoutSeconds: checkSeconds })
  return row?.value
}

/** Of one table of any size. */
const checkSeconds = 3600
