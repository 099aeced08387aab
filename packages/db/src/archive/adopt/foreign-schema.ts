import { sql } from 'drizzle-orm'
import type { Database } from '../../store/database.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { SchemaShape, TableShape } from '../../migrate/catalogue.ts'
import { readSchema } from '../../migrate/schema-shape.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Transport } from '../../sql/transport.ts'
import { guideTables, type GuideTable } from './guide-tables.ts'

export interface ForeignColumn {
  readonly name: string
  /** As the database's catalogue spells it, in lower case. */
  readonly type: string
  /** Whether the guide or one of its known variants has it; else it is named and left. */
  readonly isRead: boolean
}

/** A table of the guide as a foreign database has it. */
export interface ForeignTable {
  readonly guide: GuideTable
  readonly columns: readonly ForeignColumn[]
  readonly primaryKey: readonly string[]
}

/** A database that another program made. */
export interface ForeignSchema {
  readonly tables: readonly ForeignTable[]
  /** Tables of the guide that are not there. */
  readonly missing: readonly GuideTable[]
  /** Names of tables that are not the guide's. */
  readonly others: readonly string[]
}

/** Millrace's own, which `millrace migrate` leaves behind where it was refused. */
const bookkeeping: ReadonlySet<string> = new Set(['marks', 'migrations'])

/**
 * What is there of the guide, in a database that no migration of millrace has made; undefined where one has, or nothing
 * of the guide is there.
 * @throws DatabaseError
 */
export async function findForeignSchema(database: Database): Promise<ForeignSchema | undefined> {
  const transport = database.transport()
  const shape = await readSchema(transport)
  const tables = guideTables.flatMap((guide) => {
    const found = shape.get(guide.name)
    return found === undefined ? [] : [foreignTable(guide, found)]
  })
  if (tables.length === 0 || (await hasMigrations(transport, shape))) return undefined
  return {
    tables,
    missing: guideTables.filter(({ name }) => !shape.has(name)),
    others: otherTables(shape),
  }
}

function foreignTable(guide: GuideTable, { columns, primaryKey }: TableShape): ForeignTable {
  const known = new Set(guide.columns)
  return {
    guide,
    columns: columns.map(({ name, type }) => ({ name, type, isRead: known.has(name) })),
    primaryKey,
  }
}

function otherTables(shape: SchemaShape): readonly string[] {
  const known = new Set<string>(guideTables.map(({ name }) => name))
  return [...shape.keys()].filter(
    (name) => !known.has(name) && !name.startsWith('sqlite_') && !isBookkeeping(name, shape),
  )
}

function isBookkeeping(name: string, shape: SchemaShape): boolean {
  return bookkeeping.has(name) && isOwnRecord(shape.get('migrations'))
}

/** Other programs have tables of that name too. */
function isOwnRecord(table: TableShape | undefined): boolean {
  const names = new Set(table?.columns.map(({ name }) => name))
  return names.has('hash') && names.has('statements_done') && names.has('applied_at')
}

async function hasMigrations(transport: Transport, shape: SchemaShape): Promise<boolean> {
  if (!isOwnRecord(shape.get('migrations'))) return false
  const one = rawStatement(transport.dialect, sql`select 1 from ${sql.identifier('migrations')} limit 1`)
  return (await transport.run(one)).rows.length > 0
}

/** A statement over tables that the schema doesn't know. */
export function rawStatement(dialect: Dialect, text: Parameters<Dialect['toSQL']>[0]): Statement {
  const built = dialect.toSQL(text)
  return { text: built.sql, parameters: built.params }
}
