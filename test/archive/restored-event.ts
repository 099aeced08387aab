import { expect } from 'vitest'
import type { TestDatabase } from '../dialects.ts'

/**
 * Takes out the one event that a restore or a copy leaves after its proof. Without it, the database has the digests
 * that the command has proved.
 */
export async function takeOutRestoredEvent(
  database: TestDatabase,
  { command, rows }: { readonly command: 'restore' | 'copy'; readonly rows: number },
): Promise<void> {
  const data = database.dialect === 'postgres' ? 'data::text' : 'data'
  const events = await database.query(
    `select actor_kind, actor_id, subject_type, ${data} as data from audit where type = 'database.restored'`,
  )
  const event = { actor_kind: 'command', actor_id: command, subject_type: 'database', data: JSON.stringify({ rows }) }
  expect(events).toEqual([event])
  await database.query("delete from audit where type = 'database.restored'")
}
