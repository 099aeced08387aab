import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { toolsOf } from '@millrace/db/dialects/tools'
import { extraColumns, findDrift, type Drift } from '@millrace/db/migrate/drift'
import { readSchema } from '@millrace/db/migrate/schema-shape'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest, type DialectName } from '../dialects.ts'

interface Damage {
  readonly what: string
  readonly sql: Partial<Record<DialectName, readonly string[]>>
  readonly found: Pick<Drift, 'kind' | 'table' | 'name'>
  /** Dialects that can't mend it by a statement. */
  readonly unmendable?: readonly DialectName[]
}

const damages: readonly Damage[] = [
  {
    what: 'a table is gone',
    sql: { sqlite: ['drop table backups'], postgres: ['drop table backups'], mysql: ['drop table backups'] },
    found: { kind: 'table', table: 'backups', name: 'backups' },
  },
  {
    what: 'a column that takes null is gone',
    sql: {
      sqlite: ['alter table executions drop column lease_owner'],
      postgres: ['alter table executions drop column lease_owner'],
      mysql: ['alter table executions drop column lease_owner'],
    },
    found: { kind: 'column', table: 'executions', name: 'lease_owner' },
  },
  {
    what: 'a column that refuses null is gone',
    sql: {
      sqlite: ['alter table settings drop column revision'],
      postgres: ['alter table settings drop column revision'],
      mysql: ['alter table settings drop column revision'],
    },
    found: { kind: 'column', table: 'settings', name: 'revision' },
    unmendable: ['sqlite'],
  },
  {
    what: 'a column has another type',
    sql: {
      postgres: ['alter table workflows alter column revision type integer'],
      mysql: ['alter table workflows modify column description text character set utf8mb4 collate utf8mb4_bin'],
    },
    found: { kind: 'column', table: 'workflows', name: 'revision' },
  },
  {
    what: 'a column takes null',
    sql: {
      postgres: ['alter table workflows alter column name drop not null'],
      mysql: ['alter table workflows modify column name varchar(255) character set utf8mb4 collate utf8mb4_bin null'],
    },
    found: { kind: 'column', table: 'workflows', name: 'name' },
  },
  {
    what: 'a column compares otherwise than by bytes',
    sql: {
      postgres: ['alter table workflows alter column name type text collate "default"'],
      mysql: [
        'alter table workflows modify column name varchar(255) character set utf8mb4 collate utf8mb4_general_ci not null',
      ],
    },
    found: { kind: 'collation', table: 'workflows', name: 'name' },
  },
  {
    what: 'an index is gone',
    sql: {
      sqlite: ['drop index executions_status_lease_until_id_index'],
      postgres: ['drop index executions_status_lease_until_id_index'],
      mysql: ['drop index executions_status_lease_until_id_index on executions'],
    },
    found: { kind: 'index', table: 'executions', name: 'executions_status_lease_until_id_index' },
  },
  {
    what: 'a unique index is only an index',
    sql: {
      sqlite: ['drop index users_email_key_unique', 'create index users_email_key_unique on users (email_key)'],
      postgres: ['drop index users_email_key_unique', 'create index users_email_key_unique on users (email_key)'],
      mysql: ['drop index users_email_key_unique on users', 'create index users_email_key_unique on users (email_key)'],
    },
    found: { kind: 'index', table: 'users', name: 'users_email_key_unique' },
  },
  {
    what: 'a foreign key is gone',
    sql: {
      postgres: ['alter table workflows drop constraint workflows_owner_id_users_id_fk'],
      mysql: ['alter table workflows drop foreign key workflows_owner_id_users_id_fk'],
    },
    found: { kind: 'foreign_key', table: 'workflows', name: 'workflows_owner_id_users_id_fk' },
  },
]

describeDialectsByTest((dialect) => {
  describe('a database as the migrations make it', () => {
    let reached: ReachedDatabase
    beforeAll(async () => {
      reached = await reachDatabase(dialect, { isMigrated: 'itself' })
    })
    afterAll(() => reached.stop())

    test('has no drift', async () => {
      expect(await findDrift(reached.database.transport())).toEqual([])
    })

    test('may have more: an own table, an own column, an own index', async () => {
      await reached.raw.query('create table own_log (id integer primary key)')
      await reached.raw.query('alter table users add column nickname varchar(20)')
      await reached.raw.query('create index own_index on users (nickname)')
      const transport = reached.database.transport()
      expect(await findDrift(transport)).toEqual([])
      expect(extraColumns(toolsOf(transport.dialect).catalogue, await readSchema(transport))).toEqual([
        { table: 'users', name: 'nickname' },
      ])
    })
  })

  describe('damaged', () => {
    let reached: ReachedDatabase
    beforeEach(async () => {
      reached = await reachDatabase(dialect, { isMigrated: 'itself' })
      return () => reached.stop()
    })

    test.each(damages.filter(({ sql }) => sql[dialect] !== undefined))(
      'it is found when $what, and its SQL mends it',
      async ({ sql, found, unmendable = [] }) => {
        for (const statement of sql[dialect] ?? []) await reached.raw.query(statement)
        const drifts = await findDrift(reached.database.transport())
        const expected =
          dialect === 'mysql' && found.name === 'revision' && found.table === 'workflows'
            ? { ...found, name: 'description' }
            : found
        expect(drifts).toContainEqual(expect.objectContaining(expected))
        expect(drifts.every(({ table }) => table === found.table)).toBe(true)
        if (unmendable.includes(dialect)) {
          expect(drifts.map((drift) => drift.sql)).toEqual([undefined])
          return
        }
        await mend(reached, drifts)
        expect(await findDrift(reached.database.transport())).toEqual([])
      },
    )
  })
})

/** A table that was missing has its indexes missing once it is there. */
async function mend(reached: ReachedDatabase, drifts: readonly Drift[]): Promise<void> {
  for (const { sql = '', name } of drifts) {
    if (name === 'users_email_key_unique') {
      await reached.raw.query(reached.raw.dialect === 'mysql' ? `drop index ${name} on users` : `drop index ${name}`)
    }
    await reached.raw.query(sql)
  }
  const [left] = await findDrift(reached.database.transport())
  if (left !== undefined && drifts.some(({ kind }) => kind === 'table')) await mend(reached, [left])
}
