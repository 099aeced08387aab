import type { ReachedDatabase } from '../database.ts'
import type { DialectName } from '../dialects.ts'

export const executionCount = 100_000
const workflowCount = 1_000

/** A table of the numbers 1 to n, in the dialect's words. */
function numbers(dialect: DialectName, n: number): string {
  return {
    sqlite: `(with recursive s(i) as (select 1 union all select i + 1 from s where i < ${n}) select i from s) s`,
    postgres: `generate_series(1, ${n}) as s(i)`,
    mysql: `(select seq as i from seq_1_to_${n}) s`,
  }[dialect]
}

/** A second of 2026 for each number. */
function moment(dialect: DialectName, number: string): string {
  return {
    sqlite: `1767225600000 + (${number}) * 1000`,
    postgres: `timestamptz '2026-01-01 00:00:00+00' + (${number}) * interval '1 second'`,
    mysql: `timestamp '2026-01-01 00:00:00' + interval (${number}) second`,
  }[dialect]
}

/**
 * 1,000 users with a workflow each, `u1` an administrator; 100,000 executions: half of them ended, a tenth running
 * under a lease, one in a thousand of these expired, a tenth paused until a moment that has come, the rest pending, a
 * third of those with a `due_at`. `w2`, of `u2`, has 30,000 of them; every other workflow a hundred or less.
 */
export async function fillWithExecutions(
  { raw }: Pick<ReachedDatabase, 'raw'>,
  { count = executionCount, isAnalyzed = true }: { readonly count?: number; readonly isAnalyzed?: boolean } = {},
): Promise<void> {
  const { dialect } = raw
  const text = (prefix: string, number: string) =>
    dialect === 'mysql' ? `concat('${prefix}', ${number})` : `'${prefix}' || (${number})`
  const at = moment(dialect, 'i')
  const no = dialect === 'postgres' ? 'false' : '0'
  const role = `case when i = 1 then 'admin' else 'user' end`
  await raw.query(
    `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at) select ${text('u', 'i')}, ${text('u', 'i')}, ${text('e', 'i')}, 'h', ${at}, ${text('u', 'i')}, ${text('e', 'i')}, ${role}, ${at}, ${at} from ${numbers(dialect, workflowCount)}`,
  )
  await raw.query(
    `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key) select ${text('w', 'i')}, ${text('name ', 'i')}, 1, '{}', ${text('u', 'i')}, ${no}, ${at}, ${at}, 1, ${text('name ', 'i')} from ${numbers(dialect, workflowCount)}`,
  )
  await raw.query(
    `insert into workflow_versions (id, workflow_id, version_number, definition, created_by, created_at) select ${text('v', 'i')}, ${text('w', 'i')}, 1, '{}', 'u1', ${at} from ${numbers(dialect, workflowCount)}`,
  )
  await raw.query(
    `insert into workflow_shares (id, workflow_id, shared_with_user_id, permission, created_at) select ${text('s', 'i')}, ${text('w', 'i')}, ${text('u', `1 + (i + 6) % ${workflowCount}`)}, 'view', ${at} from ${numbers(dialect, workflowCount)}`,
  )
  const status = `case when i % 10 < 5 then 'completed' when i % 10 = 5 then 'running' when i % 10 = 9 then 'paused' else 'pending' end`
  const lease = `case when i % 10 <> 5 then null when i % 10000 = 5 then ${at} else ${moment(dialect, 'i + 1000000000')} end`
  const due = `case when i % 10 >= 8 then ${at} else null end`
  const workflow = `case when i % 10 in (3, 6, 8) then 'w2' else ${text('w', `1 + (i * 7) % ${workflowCount}`)} end`
  await raw.query(
    `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, lease_until, due_at, created_at, updated_at) select ${text('x', 'i')}, ${workflow}, ${text('u', `1 + i % ${workflowCount}`)}, ${status}, 1, 0, 3, 0, ${lease}, ${due}, ${at}, ${at} from ${numbers(dialect, count)}`,
  )
  if (!isAnalyzed) return
  for (const statement of analyze[dialect]) await raw.query(statement)
}

const analyze: Record<DialectName, readonly string[]> = {
  sqlite: ['analyze'],
  postgres: ['analyze'],
  mysql: ['analyze table users, workflows, workflow_versions, workflow_shares, executions'],
}
