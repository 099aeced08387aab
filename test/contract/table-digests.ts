import { createHash } from 'node:crypto'
import type { TestDatabase } from '../dialects.ts'

/** Every table that a request can write. */
const tables = [
  ...['users', 'sessions', 'password_resets', 'api_keys', 'idempotency_keys', 'login_attempts', 'settings'],
  ...['workflows', 'workflow_versions', 'workflow_shares', 'executions', 'execution_history', 'schedules'],
  ...['audit', 'backups', 'marks'],
]

/** When a key was used is noted after the answer, of a refused request too. */
const noted = 'last_used_at'

/** A digest of the rows of each table, past all of Millrace. */
export async function digestTables(database: TestDatabase): Promise<Readonly<Record<string, string>>> {
  const digests: Record<string, string> = {}
  for (const table of tables) {
    const rows = await database.query(`select * from ${table}`)
    const texts = rows.map((row) => JSON.stringify(row, (name, value: unknown) => textOf(name, value)))
    digests[table] = createHash('sha256').update(texts.toSorted().join('\n')).digest('hex')
  }
  return digests
}

function textOf(name: string, value: unknown): unknown {
  if (name === noted) return null
  return typeof value === 'bigint' ? String(value) : value
}
