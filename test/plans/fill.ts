import type { ReachedDatabase } from '../database.ts'
import type { DialectName } from '../dialects.ts'

export const workflowCount = 100_000
export const userCount = 1_000

/** A table of the numbers 1 to n, in the dialect's words. */
function numbers(dialect: DialectName, n: number): string {
  return {
    sqlite: `(with recursive s(i) as (select 1 union all select i + 1 from s where i < ${n}) select i from s) s`,
    postgres: `generate_series(1, ${n}) as s(i)`,
    mysql: `(select seq as i from seq_1_to_${n}) s`,
  }[dialect]
}

/** A moment, a second apart for each number. */
function moment(dialect: DialectName): string {
  return {
    sqlite: '1700000000000 + i * 1000',
    postgres: "timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second'",
    mysql: "timestamp '2026-01-01 00:00:00' + interval i second",
  }[dialect]
}

/**
 * 1,000 users; 100,000 workflows with a version each, half of them owned by `u1`, one in a hundred public; each user
 * shares the last of its own with the next.
 */
export async function fillDatabase(
  { raw }: Pick<ReachedDatabase, 'raw'>,
  { count = workflowCount, isAnalyzed = true }: { readonly count?: number; readonly isAnalyzed?: boolean } = {},
): Promise<void> {
  const { dialect } = raw
  const at = moment(dialect)
  const text = (prefix: string, number: string) =>
    dialect === 'mysql' ? `concat('${prefix}', ${number})` : `'${prefix}' || (${number})`
  const isPublic = dialect === 'postgres' ? 'i % 100 = 0' : 'case when i % 100 = 0 then 1 else 0 end'
  const owner = `case when i % 2 = 0 then 'u1' else ${text('u', `1 + i % ${userCount}`)} end`
  await raw.query(
    `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at) select ${text('u', 'i')}, ${text('u', 'i')}, ${text('e', 'i')}, 'h', ${at}, ${text('u', 'i')}, ${text('e', 'i')}, 'user', ${at}, ${at} from ${numbers(dialect, userCount)}`,
  )
  await raw.query(
    `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key) select ${text('w', 'i')}, ${text('name ', 'i')}, 1, '{}', ${owner}, ${isPublic}, ${at}, ${at}, 1, ${text('name ', 'i')} from ${numbers(dialect, count)}`,
  )
  await raw.query(
    `insert into workflow_versions (id, workflow_id, version_number, definition, created_by, created_at) select ${text('v', 'i')}, ${text('w', 'i')}, 1, '{}', 'u1', ${at} from ${numbers(dialect, count)}`,
  )
  await raw.query(
    `insert into workflow_shares (id, workflow_id, shared_with_user_id, permission, created_at) select ${text('s', 'i')}, ${text('w', 'i * 2')}, ${text('u', `2 + i % ${userCount - 1}`)}, 'view', ${at} from ${numbers(dialect, Math.min(userCount * 10, count / 2))}`,
  )
  if (!isAnalyzed) return
  for (const statement of analyze[dialect]) await raw.query(statement)
}

const analyze: Record<DialectName, readonly string[]> = {
  sqlite: ['analyze'],
  postgres: ['analyze'],
  mysql: ['analyze table users, workflows, workflow_versions, workflow_shares'],
}
