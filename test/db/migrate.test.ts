import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { bookkeepingSql } from '@millrace/db/migrate/bookkeeping-sql'
import type { Database } from '@millrace/db/store/database'
import { databaseError, type DatabaseError } from '@millrace/db/sql/errors'
import { knownMigrations, schemaNumber } from '@millrace/db/schema/known-migrations'
import { migrate, migrationStatus, recordMigration, type MigrationProgress } from '@millrace/db/migrate/migrate'
import { hashOf, statementsOf, type Migration } from '@millrace/db/sql/migration'
import { readiness } from '@millrace/db/store/readiness'
import type { Statement } from '@millrace/db/sql/statement'
import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import { reachDatabase, targetOf, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest, dialects, freshDatabase, type DialectName } from '../dialects.ts'
import { drawnFrom } from '../sampling.ts'
import { workspaceRoot } from '../workspace.ts'

const shortLock = { leaseMilliseconds: 600, renewalMilliseconds: 100, pollMilliseconds: 20 }

const opened: ReachedDatabase[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((reached) => reached.stop()))
})

async function reach(dialect: DialectName, isMigrated: boolean): Promise<ReachedDatabase> {
  const reached = await reachDatabase(dialect, { isMigrated: isMigrated && 'itself' })
  opened.push(reached)
  return reached
}

describe('the files of migrations', () => {
  test.each(dialects)('are on %s those that the code knows, under one number and name', (dialect) => {
    const files = readdirSync(join(workspaceRoot, 'packages/db/src/migrations', dialect))
    const names = files.filter((file) => file.endsWith('.sql')).map((file) => file.replace(/\.sql$/, ''))
    expect(names.toSorted()).toEqual([...knownMigrations])
  })
})

describe('on resuming, a statement in flight counts as done when the catalogue agrees', () => {
  test.each([
    ['create table `more` (`id` int)', 'drop table `more`'],
    ['ALTER TABLE `users` ADD `nickname` text;', 'ALTER TABLE `users` DROP COLUMN `nickname`;'],
    ['CREATE INDEX `users_role_index` ON `users` (`role`)', 'DROP INDEX `users_role_index` ON `users`'],
    [
      'ALTER TABLE `backups` ADD CONSTRAINT `backups_bytes_check` CHECK (`bytes` > 0)',
      'ALTER TABLE `backups` DROP CONSTRAINT `backups_bytes_check`',
    ],
  ])('%s and %s', async (makes, takesAway) => {
    const { database } = await reach('mysql', true)
    const transport = database.transport()
    const isDone = async (statement: string) => {
      const question = transport.dialect.migration.whatItLeaves(statement)
      if (question === undefined) throw new Error(`nothing tells of ${statement}`)
      return (await transport.run(question)).rows.length > 0
    }
    expect([await isDone(makes), await isDone(takesAway)]).toEqual([false, true])
    await transport.run({ text: makes, parameters: [] })
    expect([await isDone(makes), await isDone(takesAway)]).toEqual([true, false])
    await transport.run({ text: takesAway, parameters: [] })
    expect([await isDone(makes), await isDone(takesAway)]).toEqual([false, true])
  })
})

describe('where the server refuses foreign keys', () => {
  const moments = ['the first of them', 'the third', 'the statement behind them', 'the last of all'] as const
  test.each(drawnFrom(moments, 2, 'migrations that are killed'))(
    'a run that is killed before %s, and resumed, has recorded every one that was left out',
    async (moment) => {
      const raw = await freshDatabase('mysql')
      const target = targetOf(raw.url)
      const gateway = await startGateway({ target, strict: true })
      try {
        const migrations = readMigrations(workspaceRoot, 'mysql')
        const database = await openDatabase({ target, gatewayUrl: gateway.url })
        const statements = statementsOf(firstOf(migrations))
        const refused = statements.filter((text) => / FOREIGN KEY /.test(text))
        const start = statements.findIndex((text) => / FOREIGN KEY /.test(text)) + 1
        const at = {
          'the first of them': start,
          'the third': start + 2,
          'the statement behind them': start + refused.length,
          'the last of all': statements.length,
        }
        await runUntil(raw.url, at[moment])
        const [broken] = await raw.query('select statements_done, applied_at from migrations')
        expect(broken?.['applied_at']).toBeNull()
        await migrate(database, migrations, { lockTiming: shortLock })
        const rows = await raw.query('select left_out from migrations order by name')
        const wanted = migrations.map((migration) =>
          statementsOf(migration).filter((text) => / FOREIGN KEY /.test(text)),
        )
        const leftOut = rows.map(({ left_out: text }) => (typeof text === 'string' ? text.split('\n') : []))
        expect(leftOut).toEqual(wanted)
      } finally {
        await gateway.close()
        await raw.drop()
      }
    },
  )
})

describeDialectsByTest((dialect) => {
  test('an empty database has everything pending and is not touched by looking', async () => {
    const { database, migrations, raw } = await reach(dialect, false)
    expect(await migrationStatus(database, migrations)).toEqual({
      applied: [],
      pending: [...knownMigrations],
      changed: [],
      newer: [],
    })
    expect(await tableNames(raw)).toEqual([])
  })

  test('an unmigrated database is not ready, and says which command fixes it', async () => {
    const { database, raw } = await reach(dialect, false)
    await expect(readiness(database)).rejects.toMatchObject({
      fault: 'database_schema_outdated',
      fix: expect.stringContaining('millrace migrate'),
    })
    expect(await tableNames(raw)).toEqual([])
  })

  test('four at once apply each migration once', async () => {
    const { database, migrations, raw } = await reach(dialect, false)
    const reports = await Promise.all([1, 2, 3, 4].map(() => migrate(database, migrations, { lockTiming: shortLock })))
    expect(reports.flatMap(({ applied }) => applied)).toEqual([...knownMigrations])
    const rows = await raw.query('select name from migrations')
    expect(rows.map(({ name }) => name)).toEqual([...knownMigrations])
  })

  test('each is recorded with its hash and its moment', async () => {
    const { database, migrations } = await reach(dialect, true)
    const { applied, pending, changed } = await migrationStatus(database, migrations)
    expect(pending).toEqual([])
    expect(changed).toEqual([])
    expect(applied.map(({ name }) => name)).toEqual([...knownMigrations])
    expect(applied[0]?.hash).toBe(await hashOf(firstOf(migrations)))
    expect(Math.abs(Date.now() - (applied[0]?.at.getTime() ?? 0))).toBeLessThan(60_000)
  })

  test('a second run has nothing to do', async () => {
    const { database, migrations } = await reach(dialect, true)
    expect(await migrate(database, migrations)).toEqual({ applied: [] })
  })

  test('an applied migration that was edited stops everything until its new text is accepted', async () => {
    const { database, migrations, raw } = await reach(dialect, true)
    const first = firstOf(migrations)
    const edited = migrations.with(0, { ...first, sql: `${first.sql}\n-- edited` })
    const added = { name: '0009_more', sql: 'create table more (id integer primary key)' }
    const before = await tableNames(raw)
    expect(await migrationStatus(database, edited)).toMatchObject({ changed: [firstOf(migrations).name] })
    await expect(migrate(database, [...edited, added])).rejects.toMatchObject({ code: 'migration_changed' })
    expect(await tableNames(raw)).toEqual(before)
    const report = await migrate(database, [...edited, added], { acceptChanged: [firstOf(migrations).name] })
    expect(report).toEqual({ applied: ['0009_more'] })
    expect(await migrationStatus(database, [...edited, added])).toMatchObject({ changed: [], pending: [] })
  })

  test('line ends do not change what a migration is', async () => {
    const { database, migrations } = await reach(dialect, true)
    const checkedOut = migrations.map(({ name, sql }) => ({ name, sql: sql.replaceAll('\n', '\r\n') }))
    expect(await migrationStatus(database, checkedOut)).toMatchObject({ changed: [], pending: [] })
  })

  test('a migration that only the database knows is newer, and no fault', async () => {
    const { database, migrations } = await reach(dialect, true)
    await migrate(database, [...migrations, { name: '0009_later', sql: 'create table later (id integer primary key)' }])
    expect(await migrationStatus(database, migrations)).toMatchObject({
      newer: ['0009_later'],
      pending: [],
      changed: [],
    })
    await expect(readiness(database)).resolves.toMatchObject({ schema: schemaNumber })
  })

  test('a migration that fails leaves no part of it, or what it did is gone on with', async () => {
    const { database, migrations, raw } = await reach(dialect, true)
    const broken = {
      name: '0009_broken',
      sql: 'create table half (id integer primary key)\n--> statement-breakpoint\ncreate table half broken',
    }
    await expect(migrate(database, [...migrations, broken])).rejects.toThrow()
    expect(await migrationStatus(database, [...migrations, broken])).toMatchObject({ pending: ['0009_broken'] })
    const mended = {
      name: '0009_broken',
      sql: 'create table half (id integer primary key)\n--> statement-breakpoint\ncreate table whole (id integer primary key)',
    }
    const options = dialect === 'mysql' ? { acceptChanged: ['0009_broken'] } : {}
    expect(await migrate(database, [...migrations, mended], options)).toEqual({ applied: ['0009_broken'] })
    expect(await tableNames(raw)).toEqual(expect.arrayContaining(['half', 'whole']))
  })

  test('tables that no migration made are not built upon', async () => {
    const { database, migrations, raw } = await reach(dialect, false)
    await raw.query('create table users (id integer primary key)')
    await expect(migrate(database, migrations)).rejects.toMatchObject({
      code: 'not_empty',
      fix: expect.stringContaining('millrace copy'),
    })
    // Nothing is made in it either.
    expect(await tableNames(raw)).toEqual(['users'])
  })

  test('a database that is being restored into is not migrated', async () => {
    const { database, migrations, raw } = await reach(dialect, true)
    await raw.query("update marks set value = '{}' where name = 'restore'")
    await expect(migrate(database, migrations)).rejects.toMatchObject({ fault: 'restore_in_progress' })
  })

  test('a migration run by other means is recorded when the schema agrees, and not before', async () => {
    const { database, migrations, raw } = await reach(dialect, true)
    const { name } = firstOf(migrations)
    await raw.query(`delete from migrations where name = '${name}'`)
    await raw.query(`drop index executions_status_lease_until_id_index${dialect === 'mysql' ? ' on executions' : ''}`)
    await expect(recordMigration(database, migrations, name)).rejects.toMatchObject({
      code: 'schema_differs',
      why: expect.stringContaining('executions_status_lease_until_id_index'),
    })
    expect(await migrationStatus(database, migrations)).toMatchObject({ pending: [name] })
    await raw.query('create index executions_status_lease_until_id_index on executions (status, lease_until, id)')
    await recordMigration(database, migrations, name)
    expect(await migrationStatus(database, migrations)).toMatchObject({ pending: [], changed: [] })
    await expect(recordMigration(database, migrations, '0099_none')).rejects.toMatchObject({
      code: 'unknown_migration',
    })
  })

  test('on a platform that refuses DDL, the way by a deploy request is told, and works', async () => {
    const { database, migrations, raw } = await reach(dialect, false)
    const refusing = refusingDdl(database)
    await expect(migrate(refusing, migrations)).rejects.toMatchObject({
      code: 'direct_ddl_refused',
      fix: expect.stringContaining('--dry-run'),
    })
    for (const sql of bookkeepingSql(dialect)) await raw.query(sql)
    for (const sql of migrations.flatMap(statementsOf)) await raw.query(sql)
    for (const { name } of migrations) await recordMigration(refusing, migrations, name)
    await expect(readiness(database)).resolves.toMatchObject({ schema: schemaNumber })
    expect(await migrate(refusing, migrations)).toEqual({ applied: [] })
  })

  test('killed at any statement, a second run ends well', async () => {
    const { database, migrations, raw } = await reach(dialect, false)
    const total = statementsOf(firstOf(migrations)).length
    const moments = dialect === 'mysql' ? [1, 12, Math.floor(total / 2), total] : [total]
    for (const moment of moments) await killWhile(raw.url, moment)
    const waits: MigrationProgress[] = []
    await migrate(database, migrations, { lockTiming: shortLock, onProgress: (progress) => waits.push(progress) })
    expect(await migrationStatus(database, migrations)).toMatchObject({ pending: [], changed: [] })
    await expect(readiness(database)).resolves.toMatchObject({ dialect })
    expect(await tableNames(raw)).toEqual(expect.arrayContaining(['users', 'workflow_shares', 'backups']))
  })
})

/** The database as a platform under safe migrations has it: every DDL statement is refused, in PlanetScale's words. */
function refusingDdl(database: Database): Database {
  const refuse = ({ text }: Statement) => {
    if (!/^\s*(?:create|alter|drop) /i.test(text)) return
    throw databaseError('internal', 'MySQL error 1105: direct DDL is disabled', { isNotApplied: true })
  }
  const { migration } = database.dialect
  const isDirectDdlRefusal = ({ message }: DatabaseError) => message.includes('direct DDL is disabled')
  const dialect = { ...database.dialect, migration: { ...migration, isDirectDdlRefusal } }
  return {
    ...database,
    dialect,
    transport: () => {
      const transport = database.transport()
      return {
        dialect,
        limits: transport.limits,
        run: async (statement) => {
          refuse(statement)
          return transport.run(statement)
        },
        transact: async (writes, reads) => {
          writes.forEach(refuse)
          return transport.transact(writes, reads)
        },
      }
    },
  }
}

/** Starts a run that is killed with -9 when it is about to apply that statement. */
async function killWhile(url: string, statement: number): Promise<void> {
  const child = fork(join(import.meta.dirname, 'migrate-child.ts'), [url, '600'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  child.on('message', (progress: MigrationProgress) => {
    if (progress.step === 'applying' && progress.statement === statement) child.kill('SIGKILL')
  })
  await once(child, 'exit')
}

/** A run on a server that refuses foreign keys, which kills itself with -9 before it sends that statement. */
async function runUntil(url: string, statement: number): Promise<void> {
  const child = fork(join(import.meta.dirname, 'migrate-child.ts'), [url, '600', 'strict', String(statement)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'exit')
}

function firstOf(migrations: readonly Migration[]): Migration {
  const [first] = migrations
  if (first === undefined) throw new Error('there is no migration')
  return first
}

async function tableNames(raw: ReachedDatabase['raw']): Promise<string[]> {
  const rows = await raw.query(
    {
      sqlite: "select name from sqlite_master where type = 'table'",
      postgres: "select tablename as name from pg_tables where schemaname = 'public'",
      mysql: 'select table_name as name from information_schema.tables where table_schema = database()',
    }[raw.dialect],
  )
  return rows.map(({ name }) => String(name)).toSorted()
}
