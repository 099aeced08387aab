import { and, exists, getTableName, isNotNull, not, sql } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'
import type { Dialect } from '../sql/dialect.ts'
import { foreignKeysOf, type ForeignKey } from '../sql/foreign-keys.ts'
import { buildQuery } from '../sql/building.ts'
import { readQuery } from '../store/read-query.ts'
import { RestoreError } from './restore-error.ts'
import { describeKey, tableNamed, archiveTables, type ArchiveTable } from './tables.ts'
import type { Readable } from './source.ts'

/** A foreign key between two of the archive's tables. */
interface Reference extends ForeignKey {
  readonly table: ArchiveTable
  readonly from: Tables[keyof Tables]
}

function referencesOf(dialect: Dialect): readonly Reference[] {
  return archiveTables.flatMap((table) => {
    const from = dialect.tables[table.property]
    return foreignKeysOf(dialect, from)
      .filter(({ target }) => tableNamed(getTableName(target)) !== undefined)
      .map((key) => ({ table, from, ...key }))
  })
}

function nameOf({ table, column }: Reference): string {
  return `${table.name}.${column.name}`
}

/** What in a database refers to nothing, by the database's own word. */
export async function brokenReferences(database: Readable): Promise<readonly string[]> {
  const broken: string[] = []
  for (const reference of referencesOf(database.dialect)) {
    const count = await countBroken(database, reference)
    if (count > 0) broken.push(`${nameOf(reference)} refers to nothing in ${count} rows`)
  }
  return broken
}

async function countBroken(database: Readable, reference: Reference): Promise<number> {
  const { builder } = database.dialect
  const { from, column, target, targetColumn } = reference
  const parent = builder
    .select({ one: sql`1` })
    .from(target)
    .where(sql`${targetColumn} = ${column}`)
  const query = buildQuery(
    builder
      .select({ rows: sql<number>`count(*)`.mapWith(Number) })
      .from(from)
      .where(and(isNotNull(column), not(exists(parent)))),
  )
  const [row] = await readQuery(database, query)
  return row?.rows ?? 0
}

/**
 * Refuses rows that refer to nothing, by the database's own word: they may have been written where it checks none.
 * @throws RestoreError `proof_failed`
 */
export async function refuseBrokenReferences(database: Readable): Promise<void> {
  for (const reference of referencesOf(database.dialect)) {
    const id = await firstBroken(database, reference)
    if (id === undefined) continue
    const row = await referringRow(database, reference, id)
    throw new RestoreError('proof_failed', {
      what: `The database has a row that refers to nothing: ${row}, whose ${nameOf(reference)} is ${JSON.stringify(id)}, which is not in ${getTableName(reference.target)}.`,
      why: 'The rows were written without checking foreign keys, and checked when all were there.',
      fix: 'Empty it with `millrace restore --abandon`, and report this if it happens again.',
    })
  }
}

/** One of the rows that refer to it, for people. */
async function referringRow(database: Readable, reference: Reference, id: string): Promise<string> {
  const { builder } = database.dialect
  const { from, column } = reference
  const { name, key } = reference.table
  const keys = key.map((keyName) => [keyName, sql`${sql.identifier(keyName)}`.mapWith(String)] as const)
  const query = builder
    .select(Object.fromEntries(keys))
    .from(from)
    .where(sql`${column} = ${sql.param(id, column)}`)
    .limit(1)
  const [row = {}] = await readQuery(database, buildQuery(query))
  return `${name} ${describeKey(reference.table, row)}`
}

/** Of the values that there are, each once: they are few, and an index has them. */
async function firstBroken(database: Readable, reference: Reference): Promise<string | undefined> {
  const { builder } = database.dialect
  const { from, column, target, targetColumn } = reference
  const values = builder
    .selectDistinct({ value: sql<string>`${column}`.as('value') })
    .from(from)
    .where(isNotNull(column))
    .as('referring')
  const parent = builder
    .select({ one: sql`1` })
    .from(target)
    .where(sql`${targetColumn} = ${values.value}`)
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
