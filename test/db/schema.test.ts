import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects, type DialectName } from '../dialects.ts'

/** The guide's six tables, with its columns. */
const guide: Readonly<Record<string, readonly string[]>> = {
  users: ['id', 'username', 'email', 'password_hash', 'created_at'],
  workflows: ['id', 'name', 'description', 'definition', 'owner_id', 'is_public', 'created_at', 'updated_at'],
  executions: ['id', 'workflow_id', 'user_id', 'status', 'state', 'started_at', 'completed_at'],
  settings: ['id', 'user_id', 'settings_data', 'created_at', 'updated_at'],
  workflow_versions: ['id', 'workflow_id', 'version_number', 'definition', 'change_notes', 'created_by', 'created_at'],
  workflow_shares: ['id', 'workflow_id', 'shared_with_user_id', 'permission', 'created_at'],
}

/** The guide's indexes: table, leading column, whether unique. */
const guideIndexes = [
  ['users', 'username', true],
  ['users', 'email', true],
  ['workflows', 'owner_id', false],
  ['executions', 'workflow_id', false],
  ['executions', 'user_id', false],
  ['executions', 'status', false],
] as const

/** A user and what hangs on it, as a row each; the values of `moment` and `flag` are the dialect's own. */
function rowsOf(dialect: DialectName) {
  const moment = dialect === 'sqlite' ? '0' : "'2026-01-31 09:30:00'"
  const no = dialect === 'postgres' ? 'false' : '0'
  return {
    user: (id: string, role = 'user') =>
      `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at) values ('${id}', '${id}', '${id}@x', 'h', ${moment}, '${id}', '${id}@x', '${role}', ${moment}, ${moment})`,
    workflow: (id: string, owner: string, definition = '{}') =>
      `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key) values ('${id}', 'n', 1, '${definition}', '${owner}', ${no}, ${moment}, ${moment}, 1, 'n')`,
    share: (id: string, workflow: string, user: string, permission: string) =>
      `insert into workflow_shares (id, workflow_id, shared_with_user_id, permission, created_at) values ('${id}', '${workflow}', '${user}', '${permission}', ${moment})`,
    execution: (id: string, workflow: string, status: string, state = 'null') =>
      `insert into executions (id, workflow_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at, state) values ('${id}', '${workflow}', '${status}', 1, 0, 3, 0, ${moment}, ${moment}, ${state === 'null' ? 'null' : `'${state}'`})`,
  }
}

describeDialects((dialect) => {
  let reached: ReachedDatabase
  const rows = rowsOf(dialect)
  const run = (statement: string) => reached.raw.query(statement)

  beforeAll(async () => {
    reached = await reachDatabase(dialect, { isMigrated: 'itself' })
    await run(rows.user('ada'))
    await run(rows.user('bea'))
    await run(rows.workflow('w1', 'ada'))
  })
  afterAll(() => reached.stop())

  test.each(Object.entries(guide))('the table %s has the columns of the guide', async (table, columns) => {
    const found = await run(
      {
        sqlite: `select name from pragma_table_info('${table}')`,
        postgres: `select column_name as name from information_schema.columns where table_name = '${table}'`,
        mysql: `select column_name as name from information_schema.columns where table_schema = database() and table_name = '${table}'`,
      }[dialect],
    )
    expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining([...columns]))
  })

  test.each(guideIndexes)('%s.%s leads an index, unique: %s', async (table, column, isUnique) => {
    const found = await run(
      {
        sqlite: `select i."unique" as is_unique from pragma_index_list('${table}') i join pragma_index_info(i.name) c on c.seqno = 0 where c.name = '${column}'`,
        postgres: `select i.indisunique as is_unique from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] where i.indrelid = '${table}'::regclass and a.attname = '${column}'`,
        mysql: `select 1 - non_unique as is_unique from information_schema.statistics where table_schema = database() and table_name = '${table}' and column_name = '${column}' and seq_in_index = 1`,
      }[dialect],
    )
    expect(found.length).toBeGreaterThan(0)
    if (isUnique) expect(found.some((index) => Number(index['is_unique']) === 1)).toBe(true)
  })

  test.each([
    ['an unknown role', () => rows.user('eve', 'root')],
    ['a second user of the same name', () => rows.user('ada')],
    ['a workflow of no user', () => rows.workflow('w2', 'nobody')],
    ['a definition that is no JSON', () => rows.workflow('w2', 'ada', '{"a":')],
    ['an unknown permission', () => rows.share('s1', 'w1', 'bea', 'admin')],
    ['a share of no workflow', () => rows.share('s1', 'nothing', 'bea', 'view')],
    ['an unknown status', () => rows.execution('e1', 'w1', 'sleeping')],
    ['a state that is no JSON', () => rows.execution('e1', 'w1', 'pending', '{')],
    ['an execution of no workflow', () => rows.execution('e1', 'nothing', 'pending')],
    ['the deletion of a user who owns a workflow', () => "delete from users where id = 'ada'"],
  ])('the database itself refuses %s', async (_what, statement) => {
    await expect(run(statement())).rejects.toThrow()
  })

  test('a second share with one user is refused, a first is not', async () => {
    await run(rows.share('s1', 'w1', 'bea', 'view'))
    await expect(run(rows.share('s2', 'w1', 'bea', 'edit'))).rejects.toThrow()
  })

  test('names that differ in case or accent are different by bytes', async () => {
    await run(rows.user('Ada'))
    await run(rows.user('adá'))
    const found = await run("select id from users where id = 'Ada'")
    expect(found.map(({ id }) => id)).toEqual(['Ada'])
  })

  test('text sorts by bytes', async () => {
    const found = await run("select id from users where id in ('ada', 'Ada', 'adá', 'bea') order by id")
    expect(found.map(({ id }) => id)).toEqual(['Ada', 'ada', 'adá', 'bea'])
  })

  test('JSON that a server cannot judge, but that is JSON, is taken', async () => {
    const deep = `${'['.repeat(60)}1${']'.repeat(60)}`
    await run(rows.execution('e2', 'w1', 'completed', deep))
    await run(rows.execution('e3', 'w1', 'completed', '1e400'))
    await run(rows.execution('e4', 'w1', 'completed', '"\u2028😀"'))
    const found = await run("select id from executions where id in ('e2', 'e3', 'e4')")
    expect(found).toHaveLength(3)
  })
})
