import { toolsOf } from '../dialects/tools.ts'
import { typeOf } from './column-type.ts'
import type { Catalogue, ColumnShape, ForeignKeyShape, IndexShape, SchemaShape, TableShape } from './catalogue.ts'
import { readSchema } from './schema-shape.ts'
import type { Transport } from '../sql/transport.ts'

/** Something that the code needs and the database lacks or has otherwise. */
export interface Drift {
  readonly kind: 'table' | 'column' | 'charset' | 'collation' | 'index' | 'foreign_key'
  readonly table: string
  /** Of the column, index or foreign key; of the table itself where that is missing. A charset is a column's too. */
  readonly name: string
  readonly message: string
  /** The statement that mends it; absent where the dialect can't by one. */
  readonly sql?: string
}

/** Compares the live database with the code. What the database has beyond that is no drift. */
export async function findDrift(transport: Transport): Promise<readonly Drift[]> {
  return compareSchemas(toolsOf(transport.dialect).catalogue, await readSchema(transport))
}

/** Columns of the code's tables that the code doesn't know: kept, never read. */
export function extraColumns({ expected }: Catalogue, live: SchemaShape): readonly { table: string; name: string }[] {
  return [...expected].flatMap(([table, { columns }]) => {
    const known = new Set(columns.map(({ name }) => name))
    const present = live.get(table)?.columns ?? []
    return present.filter(({ name }) => !known.has(name)).map(({ name }) => ({ table, name }))
  })
}

export function compareSchemas(catalogue: Catalogue, live: SchemaShape): readonly Drift[] {
  return [...catalogue.expected].flatMap(([table, wanted]) => {
    const present = live.get(table)
    if (present === undefined) return missingTable(catalogue, table, wanted)
    return [
      ...columnDrift(catalogue, table, wanted, present),
      ...keyDrift(table, wanted, present),
      ...indexDrift(catalogue, table, wanted, present),
      ...foreignKeyDrift(catalogue, table, wanted, present),
    ]
  })
}

/** The table, and what is made behind it: so that the statements of one comparison, in order, make all of it. */
function missingTable(catalogue: Catalogue, table: string, wanted: TableShape): readonly Drift[] {
  const { quote } = catalogue
  const { columns, primaryKey, foreignKeys } = wanted
  // Where they can be added later they are drift of their own: what they refer to may be missing too.
  const onlyNow = foreignKeys.filter((key) => catalogue.addForeignKey(table, key) === undefined)
  const definitions = [
    ...columns.map((column) => `${quote(column.name)} ${typeOf(column)}${column.isNullable ? '' : ' not null'}`),
    `primary key (${primaryKey.map(quote).join(', ')})`,
    ...onlyNow.map(
      (key) =>
        `foreign key (${key.columns.map(quote).join(', ')}) references ${quote(key.target)} (${key.targetColumns.map(quote).join(', ')})`,
    ),
  ]
  const made: TableShape = { ...wanted, indexes: [], foreignKeys: onlyNow }
  return [
    {
      kind: 'table',
      table,
      name: table,
      message: `The table ${table} is missing.`,
      sql: `create table ${quote(table)} (${definitions.join(', ')})`,
    },
    ...indexDrift(catalogue, table, wanted, made),
    ...foreignKeyDrift(catalogue, table, wanted, made),
  ]
}

function columnDrift(catalogue: Catalogue, table: string, wanted: TableShape, present: TableShape): readonly Drift[] {
  const byName = new Map(present.columns.map((column) => [column.name, column]))
  return wanted.columns.flatMap((column): Drift[] => {
    const found = byName.get(column.name)
    const base = { table, name: column.name } as const
    if (found === undefined) {
      const message = `The column ${table}.${column.name} is missing.`
      return [withSql({ kind: 'column', ...base, message }, catalogue.addColumn(table, column))]
    }
    const difference = differenceOf(column, found)
    if (difference === undefined) return []
    const { kind, words } = difference
    const message = `The column ${table}.${column.name} ${words}.`
    return [withSql({ kind, ...base, message }, catalogue.changeColumn(table, column))]
  })
}

/** One statement mends all that a column has otherwise, so the first is told. */
function differenceOf(
  wanted: ColumnShape,
  found: ColumnShape,
): { readonly kind: 'column' | 'charset' | 'collation'; readonly words: string } | undefined {
  if (wanted.type !== found.type) {
    return { kind: 'column', words: `is ${found.type} where ${wanted.type} is needed` }
  }
  if (wanted.collation !== found.collation) {
    const kind = isOfOneCharset(wanted.collation, found.collation) ? 'collation' : 'charset'
    const words = `has the collation ${found.collation ?? 'of none'} where ${wanted.collation ?? 'none'} is needed`
    return { kind, words }
  }
  if (wanted.isNullable !== found.isNullable) {
    return { kind: 'column', words: wanted.isNullable ? 'refuses null' : 'takes null' }
  }
  return undefined
}

/** MySQL's collations begin with their character set, `utf8mb4_bin`; PostgreSQL's `C` is for any. */
function isOfOneCharset(wanted = '', found = ''): boolean {
  const [charset = ''] = wanted.split('_')
  return charset === wanted || found.startsWith(`${charset}_`)
}

function keyDrift(table: string, wanted: TableShape, present: TableShape): readonly Drift[] {
  if (isSameList(wanted.primaryKey, present.primaryKey)) return []
  const message = `The primary key of ${table} is (${present.primaryKey.join(', ')}) where (${wanted.primaryKey.join(', ')}) is needed.`
  return [{ kind: 'index', table, name: `${table}_pk`, message }]
}

/** By columns and uniqueness, whatever the name; a unique index serves where a plain one is needed. */
function indexDrift({ quote }: Catalogue, table: string, wanted: TableShape, present: TableShape): readonly Drift[] {
  return wanted.indexes
    .filter((index) => !present.indexes.some((found) => isIndexServed(index, found)))
    .map(({ name, columns, isUnique }) => {
      const kind = isUnique ? 'unique index' : 'index'
      // The name does not count, so one of another shape keeps it.
      const isNameTaken = present.indexes.some((found) => found.name === name)
      return {
        kind: 'index',
        table,
        name,
        message: `The ${kind} ${name} on ${table} (${columns.join(', ')}) is missing${isNameTaken ? '; the index of that name is another' : ''}.`,
        sql: `create ${kind} ${quote(isNameTaken ? `${name}_2` : name)} on ${quote(table)} (${columns.map(quote).join(', ')})`,
      }
    })
}

function foreignKeyDrift(
  catalogue: Catalogue,
  table: string,
  wanted: TableShape,
  present: TableShape,
): readonly Drift[] {
  return wanted.foreignKeys
    .filter((key) => !present.foreignKeys.some((found) => isSameKey(key, found)))
    .map((key) => {
      const { name, columns, target, targetColumns } = key
      const message = `The foreign key ${name} from ${table} (${columns.join(', ')}) to ${target} (${targetColumns.join(', ')}) is missing.`
      return withSql({ kind: 'foreign_key', table, name, message }, catalogue.addForeignKey(table, key))
    })
}

function isIndexServed(index: IndexShape, found: IndexShape): boolean {
  return isSameList(index.columns, found.columns) && (found.isUnique || !index.isUnique)
}

function isSameKey(key: ForeignKeyShape, found: ForeignKeyShape): boolean {
  return (
    found.target === key.target &&
    isSameList(key.columns, found.columns) &&
    isSameList(key.targetColumns, found.targetColumns)
  )
}

function withSql(drift: Drift, sql: string | undefined): Drift {
  return sql === undefined ? drift : { ...drift, sql }
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, position) => item === other[position])
}
