import type { ReachedDatabase } from '../database.ts'
import { generatedRows } from '../generated-rows.ts'

export const workflowCount = 100_000
export const userCount = 1_000
/** What is created comes a second apart after it. */
const start = Date.UTC(2026, 0, 1)

/**
 * 1,000 users; 100,000 workflows with a version each, half of them owned by `u1`, one in a hundred public; each user
 * shares the last of its own with the next.
 */
export async function fillDatabase(
  { raw }: Pick<ReachedDatabase, 'raw'>,
  { count = workflowCount, isAnalyzed = true }: { readonly count?: number; readonly isAnalyzed?: boolean } = {},
): Promise<void> {
  const { dialect } = raw
  const { numbers, moment, text, analyze } = generatedRows[dialect]
  const at = moment(start, 'i')
  const isPublic = dialect === 'postgres' ? 'i % 100 = 0' : 'case when i % 100 = 0 then 1 else 0 end'
  const owner = `case when i % 2 = 0 then 'u1' else ${text('u', `1 + i % ${userCount}`)} end`
  await raw.query(
    `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at) select ${text('u', 'i')}, ${text('u', 'i')}, ${text('e', 'i')}, 'h', ${at}, ${text('u', 'i')}, ${text('e', 'i')}, 'user', ${at}, ${at} from ${numbers(1, userCount)}`,
  )
  await raw.query(
    `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key) select ${text('w', 'i')}, ${text('name ', 'i')}, 1, '{}', ${owner}, ${isPublic}, ${at}, ${at}, 1, ${text('name ', 'i')} from ${numbers(1, count)}`,
  )
  await raw.query(
    `insert into workflow_versions (id, workflow_id, version_number, definition, created_by, created_at) select ${text('v', 'i')}, ${text('w', 'i')}, 1, '{}', 'u1', ${at} from ${numbers(1, count)}`,
  )
  await raw.query(
    `insert into workflow_shares (id, workflow_id, shared_with_user_id, permission, created_at) select ${text('s', 'i')}, ${text('w', 'i * 2')}, ${text('u', `2 + i % ${userCount - 1}`)}, 'view', ${at} from ${numbers(1, Math.min(userCount * 10, count / 2))}`,
  )
  if (!isAnalyzed) return
  const tables = ['users', 'workflows', 'workflow_versions', 'workflow_shares']
  await raw.query(analyze(tables))
}
