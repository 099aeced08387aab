import { describe, expect, test } from 'vitest'
import { getTableColumns, getTableName, type Column, type Table } from 'drizzle-orm'
import { referrersTo } from '../sql/foreign-keys.ts'
import { mysql } from './mysql/dialect.ts'
import type { mysqlKit } from './mysql/kit.ts'
import { postgres } from './postgres/dialect.ts'
import { parsePostgresInstant, type postgresKit } from './postgres/kit.ts'
import { sqlite } from './sqlite/dialect.ts'
import type { sqliteKit } from './sqlite/kit.ts'

type ColumnName = 'id' | 'text' | 'json' | 'instant' | 'flag' | 'count'
type Kit = Record<ColumnName, (...args: never[]) => { _: { data: unknown } }>

type IsSame<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/** The JavaScript type that a kit's column reads and writes. */
type Data<Of extends Kit, Name extends ColumnName> = ReturnType<Of[Name]>['_']['data']

type IsLike<Of extends Kit, Name extends ColumnName> = IsSame<Data<Of, Name>, Data<typeof sqliteKit, Name>>

/** Does not compile unless each column is like the SQLite kit's, which stands for all. */
type Proof<Of extends Kit> = { readonly [Name in ColumnName]: IsLike<Of, Name> }

const allAlike = { id: true, text: true, json: true, instant: true, flag: true, count: true } as const
const proof: {
  readonly postgres: Proof<typeof postgresKit>
  readonly mysql: Proof<typeof mysqlKit>
  readonly postgresNames: IsSame<keyof typeof postgresKit, keyof typeof sqliteKit>
  readonly mysqlNames: IsSame<keyof typeof mysqlKit, keyof typeof sqliteKit>
  /** That the proof can fail. */
  readonly otherKinds: IsSame<Data<typeof sqliteKit, 'count'>, Data<typeof mysqlKit, 'instant'>>
} = { postgres: allAlike, mysql: allAlike, postgresNames: true, mysqlNames: true, otherKinds: false }

test('the kits of PostgreSQL and MySQL have the row types of the SQLite kit', () => {
  expect(proof).toMatchObject({ postgres: allAlike, mysql: allAlike, otherKinds: false })
})

describe.each([sqlite, postgres, mysql])('$name', (dialect) => {
  test('has the same tables and columns, as optional, as every other', () => {
    const shapeOf = (tables: typeof dialect.tables) =>
      Object.fromEntries(
        Object.entries(tables).map(([name, table]) => [
          name,
          columnsOf(table).map(([key, column]) => [key, column.name, column.notNull]),
        ]),
      )
    expect(shapeOf(dialect.tables)).toEqual(shapeOf(sqlite.tables))
  })

  test('tells the columns that refer to a user, which leaving follows', () => {
    const referring = referrersTo(dialect, dialect.tables.users)
    expect(referring.map(({ table, column, property }) => [getTableName(table), property, column.notNull])).toEqual([
      ['workflows', 'ownerId', false],
      ['workflow_versions', 'createdBy', false],
      ['workflow_shares', 'sharedWithUserId', true],
      ['workflow_shares', 'sharedBy', false],
      ['executions', 'userId', false],
      ['schedules', 'createdBy', false],
      ['settings', 'userId', true],
      ['sessions', 'userId', true],
      ['password_resets', 'userId', true],
      ['api_keys', 'userId', true],
      ['idempotency_keys', 'userId', true],
    ])
  })

  test('reads back what it writes', () => {
    const { workflows } = dialect.tables
    const moment = new Date('2026-01-31T09:30:00.123Z')
    expect(written(workflows.createdAt, moment)).toEqual(moment)
    expect(written(workflows.isPublic, true)).toBe(true)
    expect(written(workflows.isPublic, false)).toBe(false)
    expect(written(workflows.revision, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER)
  })
})

interface Codec {
  mapToDriverValue(value: unknown): unknown
  mapFromDriverValue(value: unknown): unknown
}

function written(column: Codec, value: unknown): unknown {
  return column.mapFromDriverValue(column.mapToDriverValue(value))
}

function columnsOf(table: Table): [string, Column][] {
  return Object.entries<Column>(getTableColumns(table))
}

describe('parsePostgresInstant', () => {
  test.each([
    ['2026-01-31 09:30:00.123+00', '2026-01-31T09:30:00.123Z'],
    ['2026-01-31 15:00:00.123+05:30', '2026-01-31T09:30:00.123Z'],
    ['2026-01-31 09:30:00+00', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31 09:30:00.1-03:30', '2026-01-31T13:00:00.100Z'],
    ['1000-01-01 05:53:28+05:53:28', '1000-01-01T00:00:00.000Z'],
    ['10000-01-01 05:29:59.999+05:30', '9999-12-31T23:59:59.999Z'],
  ])('reads %s', (text, iso) => {
    expect(parsePostgresInstant(text).toISOString()).toBe(iso)
  })

  test.each(['infinity', '-infinity', '0044-03-15 12:00:00+00 BC', ''])('refuses %s', (text) => {
    expect(() => parsePostgresInstant(text)).toThrow(RangeError)
  })
})
