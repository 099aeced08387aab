import type { ReachedDatabase } from '../database.ts'
import { generatedRows } from '../generated-rows.ts'
import type { DialectName } from '../dialects.ts'

export interface Filling {
  /** Of each table that grows with use; of users, schedules and what belongs to users a tenth, and of shares. */
  readonly count: number
  readonly isAnalyzed: boolean
  /** Of each kind of row that acts use up, so many; the same at every size. */
  readonly spares: number
}

/** Tables whose rows grow with use: none may be read whole. */
export const largeTables = [
  'users',
  'workflows',
  'workflow_versions',
  'workflow_shares',
  'executions',
  'execution_history',
  'schedules',
  'audit',
  'settings',
  'sessions',
  'password_resets',
  'api_keys',
  'idempotency_keys',
  'login_attempts',
] as const

/** What is created comes a second apart after it. */
export const fillStart = Date.UTC(2026, 0, 1)
/** After all that acts do. */
const distant = Date.UTC(2050, 0, 1)
/** Rows of one statement: no transaction gets so large that it has to be spilled. */
const rowsAtOnce = 100_000
/** Entries in the history of `xh`. */
const entriesOfOne = 300

/** The fewest users: those that have names in {@link fillEverything}. */
const fewestUsers = 20

/**
 * Fills every table, alike in all sizes but for the number of rows.
 *
 * `u1` is an administrator; `u2` owns `w2`, which has a third of all executions; `u3` owns half of all workflows, and
 * `u4` a hundred; the others belong to all users in turn, ten or so to each. Every user has settings, sessions, keys and shares of its own.
 * Half of the executions have ended, a tenth is under a lease (of which three at most have run out), a tenth paused until
 * a moment that has come, the rest pending.
 *
 * `xh` of `w5` has a long history. Spares are what acts use up, each of its own name and a number: users `su`, workflows `sw`
 * of `u5`, executions of `w5` that run (`sr`), have ended (`se`) or are paused (`sp`), and sessions, keys, schedules,
 * resets and shares; and what has expired, one a second.
 */
export async function fillEverything(
  { raw }: Pick<ReachedDatabase, 'raw'>,
  { count, isAnalyzed, spares }: Filling,
): Promise<void> {
  const insert = async (table: string, to: number, columns: Columns) => {
    for (let from = 1; from <= to; from += rowsAtOnce) {
      const numbers = generatedRows[raw.dialect].numbers(from, Math.min(to, from + rowsAtOnce - 1))
      const names = Object.keys(columns).join(', ')
      await raw.query(`insert into ${table} (${names}) select ${Object.values(columns).join(', ')} from ${numbers}`)
    }
  }
  const words = wordsOf(raw.dialect, count)
  await fillAccounts(insert, words)
  await fillWorkflows(insert, words)
  await fillExecutions(insert, words)
  await fillRecords(insert, words)
  await fillSpares(insert, words, spares)
  if (isAnalyzed) await raw.query(generatedRows[raw.dialect].analyze([...largeTables, 'backups', 'marks']))
}

/** What each column has, as an expression of the row's number `i`. */
type Columns = Readonly<Record<string, string>>
type Insert = (table: string, to: number, columns: Columns) => Promise<void>
type Words = ReturnType<typeof wordsOf>

function wordsOf(dialect: DialectName, count: number) {
  const { literal, moment, text } = generatedRows[dialect]
  const tenth = Math.max(fewestUsers, Math.floor(count / 10))
  const flag = (condition: string) => (dialect === 'postgres' ? condition : `case when ${condition} then 1 else 0 end`)
  return {
    count,
    tenth,
    text,
    flag,
    /** A word of MySQL's. */
    keyColumn: dialect === 'mysql' ? '`key`' : 'key',
    document: (text: string) => (dialect === 'postgres' ? `cast('${text}' as json)` : `'${text}'`),
    no: dialect === 'postgres' ? 'false' : '0',
    yes: dialect === 'postgres' ? 'true' : '1',
    at: moment(fillStart, 'i'),
    later: moment(fillStart, 'i + 5'),
    began: literal(fillStart),
    distant: literal(distant),
    distantly: moment(distant, 'i'),
    /** One user after the other. */
    user: text('u', `1 + i % ${tenth}`),
    numberOf: (prefix: string) => text(prefix, 'i'),
  }
}

async function fillAccounts(insert: Insert, words: Words): Promise<void> {
  const { count, tenth, text, at, distant: late, user, numberOf } = words
  // Of the first user the first, so that whoever acts knows its own.
  const own = text('u', `1 + (i - 1) % ${tenth}`)
  await insert('users', tenth, {
    ...userColumns('u', words),
    role: `case when i = 1 then 'admin' else 'user' end`,
  })
  await insert('settings', tenth, {
    ...{ id: numberOf('c'), user_id: numberOf('u'), settings_data: `'{}'` },
    ...{ created_at: at, updated_at: at, revision: '1' },
  })
  await insert('sessions', count, {
    ...{ id: numberOf('t'), family_id: numberOf('f'), user_id: own },
    ...{ refresh_sha256: numberOf('r'), created_at: at, last_used_at: at, expires_at: late },
  })
  await insert('password_resets', tenth, {
    ...{ id: numberOf('p'), user_id: own, token_sha256: numberOf('p'), created_at: at, expires_at: late },
  })
  await insert('api_keys', tenth, {
    ...{ id: numberOf('k'), user_id: own, name: `'key'`, scopes: `'read,write,worker'`, prefix: `'mr_'` },
    ...{ key_sha256: numberOf('k'), created_at: at },
  })
  await insert('idempotency_keys', count, {
    ...{ user_id: user, idempotency_key: numberOf('i'), fingerprint: `'f'`, status: '201' },
    ...{ headers: `'{}'`, body: `'{}'`, created_at: words.distantly },
  })
  await insert('login_attempts', count, {
    ...{ id: numberOf('l'), kind: `'login'`, name_key: user, network: text('n', `i % ${tenth}`) },
    attempted_at: words.distantly,
  })
}

function userColumns(prefix: string, { numberOf, text, at }: Words): Columns {
  return {
    ...{ id: numberOf(prefix), username: numberOf(prefix), email: text(`e-${prefix}`, 'i') },
    ...{ username_key: numberOf(prefix), email_key: text(`e-${prefix}`, 'i') },
    ...{ password_hash: `'h'`, role: `'user'`, created_at: at, tokens_valid_from: at, updated_at: at },
  }
}

/** Of `u4`, the same in all sizes that have as many. */
const manyWorkflows = 100

async function fillWorkflows(insert: Insert, words: Words): Promise<void> {
  const { count, tenth, text, flag, at, user, numberOf } = words
  const owner = `case when i <= 10 then ${numberOf('u')} when i <= ${10 + manyWorkflows} then 'u4' when i % 2 = 0 then 'u3' else ${user} end`
  await insert('workflows', count, workflowColumns('w', owner, flag('i % 10 = 0'), words))
  await insert('workflow_versions', count, versionColumns('w', owner, words))
  await insert('workflow_shares', tenth, {
    ...{ id: numberOf('s'), workflow_id: numberOf('w'), shared_with_user_id: text('u', `1 + (i + 6) % ${tenth}`) },
    ...{ permission: `'view'`, created_at: at, shared_by: user },
  })
  await insert('schedules', tenth, {
    ...scheduleColumns('d', text('w', 'i'), text('u', 'i'), words),
    next_at: words.distantly,
  })
}

function workflowColumns(prefix: string, owner: string, isPublic: string, { numberOf, at }: Words): Columns {
  return {
    ...{ id: numberOf(prefix), name: numberOf('name '), name_key: numberOf('name '), version_number: '1' },
    ...{ definition: `'{}'`, owner_id: owner, is_public: isPublic, created_at: at, updated_at: at, revision: '1' },
  }
}

function versionColumns(workflow: string, creator: string, { numberOf, at }: Words): Columns {
  return {
    ...{ id: numberOf(`v-${workflow}`), workflow_id: numberOf(workflow), version_number: '1' },
    ...{ definition: `'{}'`, created_by: creator, created_at: at },
  }
}

function scheduleColumns(prefix: string, workflow: string, creator: string, { numberOf, at, yes }: Words): Columns {
  return {
    ...{ id: numberOf(prefix), workflow_id: workflow, name: `'daily'`, cron: `'0 3 * * *'`, time_zone: `'UTC'` },
    ...{ max_attempts: '3', is_enabled: yes, overlap: `'allow'`, catch_up: `'latest'`, revision: '1' },
    ...{ created_by: creator, created_at: at, updated_at: at },
  }
}

async function fillExecutions(insert: Insert, words: Words): Promise<void> {
  const { count, text, at, later, began, distantly, user, numberOf } = words
  const ended = `case when i % 50 = 0 then 'failed' when i % 50 = 10 then 'cancelled' else 'completed' end`
  const status = `case when i % 10 < 5 then ${ended} when i % 10 = 5 then 'running' when i % 10 = 9 then 'paused' else 'pending' end`
  const isLost = `i % 10000 = 5 and i < 30000`
  const lease = `case when i % 10 <> 5 then null when ${isLost} then ${began} else ${distantly} end`
  await insert('executions', count, {
    ...{ id: numberOf('x'), user_id: user, status, version_number: '1', max_attempts: '3', fence: '0', last_seq: '1' },
    workflow_id: `case when i % 10 in (3, 6, 8) then 'w2' else ${text('w', `1 + (i * 7) % ${count}`)} end`,
    attempts: `case when ${isLost} then 3 else 0 end`,
    lease_until: lease,
    due_at: `case when i % 10 >= 8 then ${at} else null end`,
    completed_at: `case when i % 10 < 5 then ${later} else null end`,
    ...{ created_at: at, updated_at: at },
  })
  await insert('execution_history', count, {
    ...{ execution_id: numberOf('x'), seq: '1', type: `'created'`, at, actor: user },
  })
  await insert('executions', 1, {
    ...{ id: `'xh'`, workflow_id: `'w5'`, user_id: `'u5'`, status: `'failed'`, version_number: '1', max_attempts: '3' },
    ...{ attempts: '1', fence: '1', last_seq: String(entriesOfOne), completed_at: distantly },
    ...{ created_at: at, updated_at: at },
  })
  await insert('execution_history', entriesOfOne, {
    ...{ execution_id: `'xh'`, seq: 'i', type: `case when i % 2 = 0 then 'step' else 'signal' end`, at },
    [words.keyColumn]: `case when i % 2 = 0 then ${numberOf('k')} else null end`,
    name: `case when i % 2 = 0 then null else 'a' end`,
    output: `case when i % 2 = 0 then ${words.document('1')} else null end`,
  })
}

/** Far more than are kept. */
const backupCount = 1000

async function fillRecords(insert: Insert, words: Words): Promise<void> {
  const { count, text, no, at, user, numberOf } = words
  const actor = `case when i % 2 = 0 then 'u3' else ${user} end`
  const type = `case i % 4 when 0 then 'workflow.created' when 1 then 'workflow.updated' when 2 then 'execution.started' else 'user.logged_in' end`
  await insert('audit', count, {
    ...{ id: numberOf('a'), at, type, actor_kind: `'user'`, actor_user_id: actor, actor_id: actor },
    ...{ subject_type: `'workflow'`, subject_id: text('w', 'i'), workflow_id: text('w', 'i'), owner_id: actor },
    ...{ data: `'{}'`, network: `'n1'`, request_id: numberOf('q') },
  })
  const backup = {
    ...{ bytes: '1', row_count: '1', sha256: numberOf('h'), is_encrypted: no, consistency: `'snapshot'` },
    ...{ result: `'ok'`, created_at: at, verified_at: at },
  }
  await insert('backups', Math.min(backupCount, count), { ...backup, name: numberOf('b') })
  await insert('backups', 1, { ...backup, name: `'2026-01-01T033000Z'`, sha256: `'scheduled'` })
}

async function fillSpares(insert: Insert, words: Words, spares: number): Promise<void> {
  const { no, at, later, began, distant: late, numberOf } = words
  await insert('users', spares, userColumns('su', words))
  await insert('workflows', spares, workflowColumns('sw', `'u5'`, no, words))
  await insert('workflow_versions', spares, versionColumns('sw', `'u5'`, words))
  await insert('workflow_shares', spares, {
    ...{ id: numberOf('ss'), workflow_id: `'w5'`, shared_with_user_id: numberOf('su') },
    ...{ permission: `'view'`, created_at: at },
  })
  const execution = {
    ...{ workflow_id: `'w5'`, user_id: `'u5'`, version_number: '1', max_attempts: '3', created_at: at, updated_at: at },
  }
  const worked = { attempts: '1', fence: '1' }
  await insert('executions', spares, {
    ...{ ...execution, ...worked, id: numberOf('sr'), status: `'running'`, lease_until: late, lease_owner: `'w'` },
  })
  await insert('executions', spares, {
    ...{ ...execution, ...worked, id: numberOf('se'), status: `'failed'`, completed_at: late, error: `'{}'` },
  })
  await insert('executions', spares, {
    ...{ ...execution, ...worked, id: numberOf('sp'), status: `'paused'`, due_at: late },
  })
  await insert('sessions', spares, {
    ...{ id: numberOf('st'), family_id: numberOf('sf'), user_id: `'u5'`, refresh_sha256: numberOf('sr') },
    ...{ created_at: later, last_used_at: later, expires_at: late },
  })
  await insert('password_resets', spares, {
    ...{ id: numberOf('sp'), user_id: numberOf('su'), token_sha256: numberOf('sp'), created_at: at, expires_at: late },
  })
  await insert('api_keys', spares, {
    ...{ id: numberOf('sk'), user_id: `'u5'`, name: `'key'`, scopes: `'read'`, prefix: `'mr_'` },
    ...{ key_sha256: numberOf('sk'), created_at: at },
  })
  await insert('schedules', spares, { ...scheduleColumns('sd', `'w5'`, `'u5'`, words), next_at: began })
  await insert('idempotency_keys', spares, {
    ...{ user_id: `'u5'`, idempotency_key: numberOf('old'), fingerprint: `'f'`, status: '201' },
    ...{ headers: `'{}'`, body: `'{}'`, created_at: at },
  })
  const expired = { created_at: at, expires_at: at }
  await insert('sessions', spares, {
    ...{ id: numberOf('xt'), family_id: numberOf('xf'), user_id: `'u5'`, refresh_sha256: numberOf('xr') },
    ...{ ...expired, last_used_at: at },
  })
  await insert('password_resets', spares, {
    ...{ id: numberOf('xp'), user_id: `'u5'`, token_sha256: numberOf('xp'), ...expired },
  })
  await insert('login_attempts', spares, {
    ...{ id: numberOf('xl'), kind: `'login'`, name_key: `'u5'`, network: `'n5'`, attempted_at: at },
  })
}
