import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { readMigrations } from '@millrace/cli/migrations'
import { bindingClient } from '@millrace/drivers/d1/binding'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { openDatabase } from '@millrace/drivers/open'
import type { Database } from '@millrace/db/store/database'
import { migrate, migrationStatus } from '@millrace/db/migrate/migrate'
import type { Migration } from '@millrace/db/sql/migration'
import { startGateway } from '@millrace/gateway'
import { targetOf } from '../database.ts'
import { freshDatabase, testWhere } from '../dialects.ts'
import { locateSqld, startSqld } from '../gateway/sqld.ts'
import { drawnFrom } from '../sampling.ts'
import { startD1 } from '../servers/d1.ts'
import { workspaceRoot } from '../workspace.ts'

const sqldProgram = await locateSqld()
const migrations = readMigrations(workspaceRoot, 'sqlite')

const endings: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end()
})

/** The ways to a SQLite database that there are. */
const ways: readonly {
  readonly way: string
  readonly isMissing?: boolean
  readonly alwaysChecksKeys?: boolean
  readonly open: () => Promise<Database>
}[] = [
  { way: 'a file, by the driver of this process', open: openFile },
  { way: 'a file, through the gateway', open: openThroughGateway },
  { way: 'D1, by its binding', alwaysChecksKeys: true, open: openD1 },
  { way: 'the real sqld', isMissing: sqldProgram === undefined, open: openSqld },
]

async function openFile(): Promise<Database> {
  const raw = await freshDatabase('sqlite')
  const database = await openNativeDatabase({ target: targetOf(raw.url) })
  endings.push(
    () => raw.drop(),
    () => database.close(),
  )
  return database
}

async function openThroughGateway(): Promise<Database> {
  const raw = await freshDatabase('sqlite')
  const target = targetOf(raw.url)
  const gateway = await startGateway({ target })
  endings.push(
    () => raw.drop(),
    () => gateway.close(),
  )
  return openDatabase({ target, gatewayUrl: gateway.url })
}

async function openD1(): Promise<Database> {
  const { binding, database } = await startD1()
  endings.push(() => database.drop())
  return openDatabase({ target: targetOf(database.url), d1: bindingClient(binding) })
}

async function openSqld(): Promise<Database> {
  const sqld = await startSqld(sqldProgram ?? '', mkdtempSync(join(inject('directory'), 'sqld-')))
  endings.push(() => sqld.stop())
  return openDatabase({ target: targetOf(sqld.url.replace('http:', 'libsql+http:')) })
}

for (const { way, isMissing = false, alwaysChecksKeys = false, open } of drawnFrom(ways, 2, 'ways to SQLite')) {
  describe.skipIf(isMissing)(`a migration that rebuilds a table which others refer to, on ${way}`, () => {
    test.each(['written by drizzle-kit', 'written by hand'])(
      '%s, keeps all rows and what refers to them',
      async (by) => {
        const database = await withRows(await open())
        const before = await everything(database)
        const rebuild = await rebuildOfUsers(database, { isMarked: by === 'written by drizzle-kit' })
        expect(await migrate(database, [...migrations, rebuild])).toEqual({ applied: [rebuild.name] })
        expect(await everything(database)).toEqual(before)
        expect(await lines(database, 'select "table" from pragma_foreign_key_list(\'workflows\')')).toEqual([['users']])
        expect(await lines(database, "select sql like '%rebuilt%' from sqlite_master where name = 'users'")).toEqual([
          [1],
        ])
        expect(await migrationStatus(database, [...migrations, rebuild])).toMatchObject({ pending: [], changed: [] })
      },
    )

    test('fails, and changes nothing, where it would leave a reference to a row that is gone', async () => {
      const database = await withRows(await open())
      const before = await everything(database)
      const rebuild = await rebuildOfUsers(database, { isMarked: true, without: 'bea' })
      await expect(migrate(database, [...migrations, rebuild])).rejects.toMatchObject({
        code: 'dangling_references',
        why: expect.stringContaining('2 of workflows to users'),
        fix: expect.stringContaining('the migration itself is at fault'),
      })
      expect(await everything(database)).toEqual(before)
      expect(await lines(database, "select sql like '%rebuilt%' from sqlite_master where name = 'users'")).toEqual([
        [0],
      ])
      expect(await migrationStatus(database, [...migrations, rebuild])).toMatchObject({ pending: [rebuild.name] })
    })

    // Where foreign keys are never switched off there can be none.
    testWhere(!alwaysChecksKeys, 'fails, and says so, where the database has such references already', async () => {
      const database = await withRows(await open())
      await database.transport().transactUnchecked?.([{ text: workflow('lost', 'nobody'), parameters: [] }])
      const rebuild = await rebuildOfUsers(database, { isMarked: true })
      await expect(migrate(database, [...migrations, rebuild])).rejects.toMatchObject({
        code: 'dangling_references',
        why: expect.stringContaining('1 of workflows to users'),
        fix: expect.stringContaining('foreign_key_check'),
      })
      // A migration that makes no table anew does not look at them.
      const harmless = { name: '0009_more', sql: 'create table more (id integer primary key)' }
      expect(await migrate(database, [...migrations, harmless])).toEqual({ applied: ['0009_more'] })
    })

    test.each([
      ['has succeeded', undefined],
      ['has failed', 'bea'],
    ])('leaves foreign keys checked for whoever comes after it %s', async (_, without) => {
      const database = await withRows(await open())
      const rebuild = await rebuildOfUsers(database, { isMarked: false, without })
      await migrate(database, [...migrations, rebuild]).catch(() => undefined)
      for (let turn = 0; turn < 5; turn += 1) {
        expect(await lines(database, 'pragma foreign_keys')).toEqual([[1]])
        await expect(run(database, workflow(`w${turn}`, 'nobody'))).rejects.toMatchObject({
          fault: 'foreign_key_violation',
        })
        await expect(
          database.transport().transact([{ text: "delete from users where id = 'ada'", parameters: [] }], []),
        ).rejects.toMatchObject({ fault: 'foreign_key_violation' })
      }
    })

    test('a failing statement in it leaves the table as it was', async () => {
      const database = await withRows(await open())
      const before = await everything(database)
      const rebuild = await rebuildOfUsers(database, { isMarked: true })
      const broken = { ...rebuild, sql: `${rebuild.sql}\n--> statement-breakpoint\nalter table absent add column a` }
      await expect(migrate(database, [...migrations, broken])).rejects.toThrow()
      expect(await everything(database)).toEqual(before)
      expect(await lines(database, 'pragma foreign_keys')).toEqual([[1]])
    })
  })
}

async function withRows(database: Database): Promise<Database> {
  await migrate(database, migrations)
  for (const id of ['ada', 'bea', 'cy']) {
    await run(
      database,
      `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at)
      values ('${id}', '${id}', '${id}@x', 'h', 1, '${id}', '${id}@x', 'user', 0, 1)`,
    )
  }
  for (const [id, owner] of [
    ['one', 'ada'],
    ['two', 'bea'],
    ['three', 'bea'],
  ] as const)
    await run(database, workflow(id, owner))
  return database
}

const workflow = (id: string, owner: string) =>
  `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key)
  values ('${id}', '${id}', 1, '{}', '${owner}', 0, 1, 1, 1, '${id}')`

/**
 * The next migration: users with one more check, in the steps that SQLite's documentation gives and drizzle-kit writes.
 * https://www.sqlite.org/lang_altertable.html#otheralter
 */
async function rebuildOfUsers(
  database: Database,
  { isMarked, without }: { readonly isMarked: boolean; readonly without?: string | undefined },
): Promise<Migration> {
  const [table] = await lines(database, "select sql from sqlite_master where type = 'table' and name = 'users'")
  const indexes = await lines(
    database,
    "select sql from sqlite_master where type = 'index' and tbl_name = 'users' and sql is not null",
  )
  const columns = (await lines(database, "select name from pragma_table_info('users')")).map(String).join(', ')
  const made = String(table)
    .replace('`users`', '`__new_users`')
    .replace('"users"."role"', '"role"')
    .replace(/\)\s*$/, ', constraint rebuilt check (length(id) > 0))')
  const steps = [
    made,
    `INSERT INTO \`__new_users\` (${columns}) SELECT ${columns} FROM \`users\`${without === undefined ? '' : ` where id <> '${without}'`};`,
    'DROP TABLE `users`;',
    'ALTER TABLE `__new_users` RENAME TO `users`;',
    ...indexes.map(String),
  ]
  const marked = isMarked ? ['PRAGMA foreign_keys=OFF;', ...steps, 'PRAGMA foreign_keys=ON;'] : steps
  return { name: '0009_rebuilt', sql: marked.join('--> statement-breakpoint\n') }
}

async function everything(database: Database): Promise<unknown> {
  const users = await lines(database, 'select * from users order by id')
  const workflows = await lines(database, 'select * from workflows order by id')
  const indexes = await lines(database, "select name, sql from sqlite_master where type = 'index' order by name")
  return { users, workflows, indexes }
}

async function lines(database: Database, text: string): Promise<readonly (readonly unknown[])[]> {
  const { rows } = await run(database, text)
  // Of one way they are bigints, of another numbers.
  return rows.map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)))
}

function run(database: Database, text: string) {
  return database.transport().run({ text, parameters: [] })
}
