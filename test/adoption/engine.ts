import type { RefusalReason } from '@millrace/db/archive/adopt/reasons'
import type { DialectName, TestDatabase } from '../dialects.ts'

/** Databases as a Python engine leaves them: SQLAlchemy's column types, loose keys, and every kind of bad row. */

type Kind = 'id' | 'name' | 'text' | 'json' | 'jsonb' | 'time' | 'zonedTime' | 'flag' | 'integer'

/** As SQLAlchemy's `create_all` spells its types; where a guide's advice is another (`TEXT` for JSON), that too. */
const types: Readonly<Record<DialectName, Readonly<Record<Kind, string>>>> = {
  sqlite: {
    id: 'VARCHAR(100)',
    name: 'VARCHAR(300)',
    text: 'TEXT',
    json: 'JSON',
    jsonb: 'JSON',
    time: 'DATETIME',
    zonedTime: 'DATETIME',
    flag: 'BOOLEAN',
    integer: 'INTEGER',
  },
  postgres: {
    id: 'VARCHAR(100)',
    name: 'VARCHAR(300)',
    text: 'TEXT',
    json: 'JSON',
    jsonb: 'JSONB',
    time: 'TIMESTAMP WITHOUT TIME ZONE',
    zonedTime: 'TIMESTAMP WITH TIME ZONE',
    flag: 'BOOLEAN',
    integer: 'INTEGER',
  },
  mysql: {
    id: 'VARCHAR(100)',
    name: 'VARCHAR(300)',
    text: 'LONGTEXT',
    json: 'JSON',
    jsonb: 'JSON',
    time: 'DATETIME',
    zonedTime: 'DATETIME(6)',
    flag: 'BOOL',
    integer: 'INTEGER',
  },
}

type Table = 'users' | 'settings' | 'workflows' | 'workflow_versions' | 'workflow_shares' | 'executions'

/** Without any key, and nullable all over: what older engines and hand-made copies have. */
const looseColumns: Readonly<Record<Table, Readonly<Record<string, Kind>>>> = {
  users: {
    id: 'id',
    username: 'name',
    email: 'name',
    hashed_password: 'name',
    is_active: 'flag',
    is_admin: 'flag',
    created_at: 'zonedTime',
    avatar: 'text',
  },
  settings: { user_id: 'id', settings_data: 'jsonb', created_at: 'time', updated_at: 'time' },
  workflows: {
    id: 'id',
    name: 'name',
    description: 'text',
    definition: 'text',
    owner_id: 'id',
    is_public: 'flag',
    created_at: 'time',
    updated_at: 'time',
    tags: 'json',
  },
  workflow_versions: {
    id: 'id',
    workflow_id: 'id',
    version_number: 'integer',
    definition: 'text',
    change_notes: 'text',
    created_by: 'id',
    created_at: 'time',
  },
  workflow_shares: {
    id: 'id',
    workflow_id: 'id',
    shared_with_user_id: 'id',
    permission: 'name',
    shared_by: 'id',
    created_at: 'time',
  },
  executions: {
    id: 'id',
    workflow_id: 'id',
    user_id: 'id',
    status: 'name',
    state: 'json',
    started_at: 'time',
    completed_at: 'time',
  },
}

type Value = string | number | boolean | null | { readonly sql: string }

export interface EngineRow {
  readonly table: Table
  /** In the order of the table's columns; null where it ends early. */
  readonly values: readonly Value[]
  /** Why it can't be imported; none where it can. */
  readonly reasons: readonly RefusalReason[]
  /** Of databases that can hold it. */
  readonly only?: DialectName
}

export const password = 'correct horse battery'
/** As Python's `bcrypt.hashpw` writes them: its own default cost, and the lowest. */
const costly = '$2b$12$IyGiaFQM.9wuPv/FIrbN/ePY5m0rHpWoyWycCI45PEtyZnH/BPhRe'
const cheap = '$2b$04$HMWaRfzKo/IliCX0AJmsue8FXLvck2XulxfPJc1H10KiD/fntip8u'

export const secrets = ['sk-plain-secret-of-ada', 'sk-second-secret-of-ada'] as const

const day = '2024-01-01 10:00:00'
const later = '2024-03-01 10:00:00.250000'
const longId = 'x'.repeat(65)
const deep = `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`
export const oddDefinition = ' { "b" : 1.0,\n "a":"\\u00e9", "n": 12345678901234567890 }\n'

function rows(table: Table, list: readonly (readonly [readonly Value[], ...RefusalReason[]])[]): readonly EngineRow[] {
  return list.map(([values, ...reasons]) => ({ table, values, reasons }))
}

const common: readonly EngineRow[] = [
  ...rows('users', [
    [['u1', 'Ada', 'ada@example.com', costly, true, true, '2024-01-01 10:00:00.123456', 'a picture']],
    [['u2', 'bob', 'bob@example.com', cheap, true, null, '2024-01-02 10:00:00']],
    [['u3', 'cyd', 'cyd@example.com', cheap, false, false, '2024-01-03 10:00:00.5']],
    [['u4', 'dan', 'dan@example.com', cheap, null, false, null]],
    // Fullwidth letters: NFKC makes them `ada`.
    [['u5', 'ＡＤＡ', 'ada2@example.com', cheap, true, false, day.replace('-01-', '-02-')], 'name_conflict'],
    [['u6', 'BOB', 'bob2@example.com', cheap, true, false, null], 'name_conflict'],
    [['u7', 'eve', 'BOB@example.com', cheap, true, false, later], 'email_conflict'],
    [['u8', 'fay', 'fay@example.com', cheap, true, false, '0999-12-31 00:00:00'], 'invalid_time'],
    // Older is but a row that is wrong itself.
    [['u9', 'Fay', 'FAY@example.com', cheap, true, false, later]],
    [['u10', null, 'gil@example.com', cheap, true, false, day], 'null_required'],
    [['u11', 'hal', 'hal@example.com', null, true, false, day], 'null_required'],
    [[null, 'ida', 'ida@example.com', cheap, true, false, day], 'null_required'],
    [['batch', 'joe', 'joe@example.com', cheap, true, false, day], 'invalid_id'],
    [['..', 'kim', 'kim@example.com', cheap, true, false, day], 'invalid_id'],
    [['ends ', 'lea', 'lea@example.com', cheap, true, false, day], 'invalid_id'],
    [['', 'mia', 'mia@example.com', cheap, true, false, day], 'invalid_id'],
    [[longId, 'ned', 'ned@example.com', cheap, true, false, day], 'too_long'],
    [['u12', 'o'.repeat(256), 'ola@example.com', cheap, true, false, day], 'too_long'],
    [['u13', 'pia', `${'p'.repeat(243)}@example.com`, cheap, true, false, day], 'too_long'],
  ]),
  ...rows('settings', [
    [
      [
        'u1',
        `{"llm": {"api_key": "${secrets[0]}", "model": "m", "keys": [{"access_token": "${secrets[1]}"}]}}`,
        day,
        day,
      ],
    ],
    [['u2', '{ "theme" : "dark" }', day, null]],
    [['u2', '{"theme": "light"}', later, later], 'duplicate_settings'],
    [['u3', '[]', day, day], 'invalid_document'],
    [['u4', '{"a": {"$secret": 1}}', day, day], 'invalid_document'],
    [['u9', null, day, day], 'null_required'],
    [[null, '{}', day, day], 'null_required'],
    [['nobody', '{}', day, day], 'parent_missing'],
    [['u5', '{}', day, day], 'parent_quarantined'],
  ]),
  ...rows('workflows', [
    [['w1', 'first', 'some words', oddDefinition, 'u1', true, day, later, '["x"]']],
    [['w2', 'ownerless', null, '{}', null, null, null, later]],
    [['w3', ' odd ', null, '{"new": true}', 'u2', false, day, null]],
    [['w4', 'list', null, '[]', 'u1', false, day, day], 'invalid_document'],
    [['w5', 'twice', null, '{"a":1,"a":2}', 'u1', false, day, day], 'invalid_document'],
    [['w6', 'deep', null, deep, 'u1', false, day, day], 'invalid_document'],
    [['w7', 'proto', null, '{"__proto__":1}', 'u1', false, day, day], 'invalid_document'],
    [['w8', 'half', null, '{"a":"\\ud800"}', 'u1', false, day, day], 'invalid_document'],
    [['w9', 'words', null, 'no JSON', 'u1', false, day, day], 'invalid_document'],
    [['w10', 'orphan', null, '{}', 'nobody', false, day, day], 'parent_missing'],
    [['w11', 'of one aside', null, '{}', 'u5', false, day, day], 'parent_quarantined'],
    [['w12', 'n'.repeat(256), null, '{}', 'u1', false, day, day], 'too_long'],
    [['w13', 'long', 'd'.repeat(100_001), '{}', 'u1', false, day, day], 'too_long'],
    [['w14', null, null, '{}', 'u1', false, day, day], 'null_required'],
    [['w15', 'empty', null, null, 'u1', false, day, day], 'null_required'],
    [['claim', 'a word', null, '{}', 'u1', false, day, day], 'invalid_id'],
    // Two things at once, in the order of the list.
    [['w16', 'both', null, '[]', 'u1', false, '0999-12-31 00:00:00', day], 'invalid_document', 'invalid_time'],
  ]),
  ...rows('workflow_versions', [
    [['v1', 'w1', 1, '{"before": 1}', 'n'.repeat(10_000), 'u1', day]],
    [['v2', 'w1', 2, oddDefinition, null, null, later]],
    [['v3', 'w3', 7, '{"old": true}', null, 'u2', day]],
    [['v4', 'w3', 7, '{"old": false}', null, 'u2', later], 'duplicate_version'],
    [['v5', 'gone', 1, '{}', null, 'u1', day], 'parent_missing'],
    [['v6', 'w1', 3, '{}', null, 'nobody', day], 'parent_missing'],
    [['v7', 'w4', 1, '{}', null, 'u1', day], 'parent_quarantined'],
    [['v8', 'w1', 4, '{}', 'n'.repeat(10_001), 'u1', day], 'too_long'],
    [['v9', 'w1', null, '{}', null, 'u1', day], 'null_required'],
    [['v10', 'w1', 9, '"text"', null, 'u1', day], 'invalid_document'],
    [['v3', 'w2', 5, '{"elsewhere": 1}', null, 'u2', later], 'invalid_id'],
  ]),
  ...rows('workflow_shares', [
    [['s1', 'w1', 'u2', 'edit', 'u1', day]],
    [['s2', 'w1', 'u3', 'view', null, null]],
    [['s3', 'w1', 'u2', 'view', 'u1', later], 'duplicate_share'],
    [['s4', 'w1', 'u4', 'admin', 'u1', day], 'unknown_permission'],
    [['s5', 'w1', 'u5', 'view', 'u1', day], 'parent_quarantined'],
    [['s6', 'gone', 'u2', 'view', 'u1', day], 'parent_missing'],
    [['s7', 'w4', 'u2', 'view', 'nobody', day], 'parent_missing', 'parent_quarantined'],
  ]),
  ...rows('executions', [
    [['e1', 'w1', 'u1', 'completed', '12', day, later]],
    [['e2', 'w2', null, 'pending', null, null, null]],
    [['e4', 'w1', 'u1', 'done', '{}', day, day], 'unknown_status'],
    [['e5', 'w1', 'u1', 'failed', '{}', '0999-12-31 00:00:00', day], 'invalid_time'],
    [['e7', 'gone', 'u1', 'failed', '{}', day, day], 'parent_missing'],
    [['e8', 'w4', 'u1', 'failed', '{}', day, day], 'parent_quarantined'],
    [['e9', null, 'u1', 'x', '{}', day, day], 'unknown_status', 'null_required'],
  ]),
]

/** What all keep but MySQL itself, whose JSON is no text: of two members of one name it has the last alone. */
const ofTextualJson = rows('executions', [
  [['e3', 'w3', 'u2', 'failed', '{ "k": [1, 2.50] }', day, day]],
  [['e6', 'w1', 'u1', 'failed', '{"a":1,"a":2}', day, day], 'invalid_document'],
])

/** As MySQL itself writes it. */
const ofParsedJson = rows('executions', [[['e3', 'w3', 'u2', 'failed', '{"k": [1, 2.5]}', day, day]]])

/** What SQLite alone lets in: any text as a time, bytes that are no text, U+0000. */
const ofSqlite: readonly EngineRow[] = [
  ...rows('users', [
    [['o1', 'ola', 'o1@example.com', cheap, 1, 0, 'yesterday'], 'invalid_time'],
    [['o2', 'old', 'o2@example.com', cheap, 1, 0, '2023-02-30 10:00:00'], 'invalid_time'],
    [['o3', { sql: "cast(x'ff41' as text)" }, 'o3@example.com', cheap, 1, 0, day], 'invalid_document'],
    [[{ sql: "cast(x'ff42' as text)" }, 'oto', 'o4@example.com', cheap, 1, 0, day], 'invalid_id'],
    [['o5', { sql: "cast(x'410042' as text)" }, 'o5@example.com', cheap, 1, 0, day], 'invalid_document'],
  ]),
  ...rows('executions', [
    [['o6', 'w1', 'u1', 'completed', { sql: "cast(x'7b22ff227d' as text)" }, day, null], 'invalid_document'],
    [['o7', 'w1', 'u1', 'completed', '1.5', '2024-01-01', '2024-01-01T12:00:00.5+02:00']],
    [['o8', 'w1', { sql: "cast(x'ff42' as text)" }, 'completed', null, day, null], 'parent_quarantined'],
  ]),
].map((row) => ({ ...row, only: 'sqlite' as const }))

/** The rows of a loose database, bad ones among them; MySQL itself has others. */
export function looseRows(dialect: DialectName): readonly EngineRow[] {
  return [...common, ...ofTextualJson, ...ofSqlite].filter(({ only }) => only === undefined || only === dialect)
}

async function keepsJsonAsText(database: TestDatabase): Promise<boolean> {
  if (database.dialect !== 'mysql') return true
  const [found] = await database.query('select version() as version')
  return String(found?.['version']).includes('MariaDB')
}

/** A row by the names of its columns. */
export function namedValues({ table, values }: EngineRow): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.keys(looseColumns[table]).map((name, at) => [name, values[at] ?? null]))
}

/**
 * Makes the loose tables and fills them, with a table that is not the guide's.
 * @returns the rows that they have
 */
export async function makeLooseDatabase(database: TestDatabase): Promise<readonly EngineRow[]> {
  const { dialect } = database
  for (const [table, columns] of Object.entries(looseColumns)) {
    const declared = Object.entries(columns).map(([name, kind]) => `${name} ${types[dialect][kind]}`)
    await database.query(`CREATE TABLE ${table} (${declared.join(', ')})${ending(dialect)}`)
  }
  await database.query('CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)')
  await database.query("INSERT INTO alembic_version VALUES ('4f2a')")
  const loose = looseRows(dialect)
  const kept = (await keepsJsonAsText(database))
    ? loose
    : [...loose.filter((row) => !ofTextualJson.includes(row)), ...ofParsedJson]
  for (const row of kept) await insert(database, row)
  return kept
}

function ending(dialect: DialectName): string {
  return dialect === 'mysql' ? ' CHARACTER SET utf8mb4' : ''
}

async function insert(database: TestDatabase, row: EngineRow): Promise<void> {
  const named = Object.entries(namedValues(row))
  const parameters: (string | number | null)[] = []
  const places = named.map(([, value]) => {
    if (typeof value === 'object' && value !== null) return value.sql
    parameters.push(typeof value === 'boolean' ? flag(database.dialect, value) : value)
    return database.dialect === 'postgres' ? `$${parameters.length}` : '?'
  })
  const columns = named.map(([name]) => name).join(', ')
  await database.query(`INSERT INTO ${row.table} (${columns}) VALUES (${places.join(', ')})`, parameters)
}

function flag(dialect: DialectName, isSet: boolean): string | number {
  return dialect === 'postgres' ? String(isSet) : Number(isSet)
}
