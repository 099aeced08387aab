import type { ReachedDatabase } from '../database.ts'
import { generatedRows } from '../generated-rows.ts'

export const executionCount = 100_000
const workflowCount = 1_000
/** What is created comes a second apart after it. */
const start = Date.UTC(2026, 0, 1)

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
  const { numbers, moment, text, analyze } = generatedRows[dialect]
  const at = moment(start, 'i')
  const no = dialect === 'postgres' ? 'false' : '0'
  const role = `case when i = 1 then 'admin' else 'user' end`
  await raw.query(
    `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at) select ${text('u', 'i')}, ${text('u', 'i')}, ${text('e', 'i')}, 'h', ${at}, ${text('u', 'i')}, ${text('e', 'i')}, ${role}, ${at}, ${at} from ${numbers(1, workflowCount)}`,
  )
  await raw.query(
    `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key) select ${text('w', 'i')}, ${text('name ', 'i')}, 1, '{}', ${text('u', 'i')}, ${no}, ${at}, ${at}, 1, ${text('name ', 'i')} from ${numbers(1, workflowCount)}`,
  )
  await raw.query(
    `insert into workflow_versions (id, workflow_id, version_number, definition, created_by, created_at) select ${text('v', 'i')}, ${text('w', 'i')}, 1, '{}', 'u1', ${at} from ${numbers(1, workflowCount)}`,
  )
  await raw.query(
    `insert into workflow_shares (id, workflow_id, shared_with_user_id, permission, created_at) select ${text('s', 'i')}, ${text('w', 'i')}, ${text('u', `1 + (i + 6) % ${workflowCount}`)}, 'view', ${at} from ${numbers(1, workflowCount)}`,
  )
  const status = `case when i % 10 < 5 then 'completed' when i % 10 = 5 then 'running' when i % 10 = 9 then 'paused' else 'pending' end`
  const lease = `case when i % 10 <> 5 then null when i % 10000 = 5 then ${at} else ${moment(start, 'i + 1000000000')} end`
  const due = `case when i % 10 >= 8 then ${at} else null end`
  const workflow = `case when i % 10 in (3, 6, 8) then 'w2' else ${text('w', `1 + (i * 7) % ${workflowCount}`)} end`
  await raw.query(
    `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, lease_until, due_at, created_at, updated_at) select ${text('x', 'i')}, ${workflow}, ${text('u', `1 + i % ${workflowCount}`)}, ${status}, 1, 0, 3, 0, ${lease}, ${due}, ${at}, ${at} from ${numbers(1, count)}`,
  )
  if (!isAnalyzed) return
  const tables = ['users', 'workflows', 'workflow_versions', 'workflow_shares', 'executions']
  await raw.query(analyze(tables))
}
