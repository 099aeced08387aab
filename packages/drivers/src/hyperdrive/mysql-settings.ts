import { plain } from '@millrace/db/dialects/plain'
import { DatabaseError } from '@millrace/db/sql/errors'
import type { RawResult } from '@millrace/db/sql/statement'

/**
 * What a session through Hyperdrive is set to is the server's default: what the pool lends is as new for each
 * transaction, and a SET of one's own would be a round trip more in each.
 */
export const settingsQuery = plain(
  "show variables where variable_name in ('sql_mode', 'character_set_client', 'character_set_connection', 'character_set_results', 'tx_isolation', 'transaction_isolation')",
)

/** @throws DatabaseError where a server's defaults would let writes happen otherwise than they were meant */
export function refuseUnfitSettings({ rows }: RawResult): void {
  const faults = rows.flatMap(([name, value]) => faultOf(String(name), String(value)) ?? [])
  if (faults.length === 0) return
  throw new DatabaseError('internal', {
    message: `the MySQL server's defaults don't fit Hyperdrive, which keeps no settings of a session: ${faults.join(', ')}`,
    fix: "Correct them in the server's configuration and let Hyperdrive connect again (docs/databases.md, Hyperdrive).",
    isNotApplied: true,
  })
}

function faultOf(name: string, value: string): string | undefined {
  if (name.startsWith('character_set_')) return value === 'utf8mb4' ? undefined : `${name} is ${value}, not utf8mb4`
  if (name !== 'sql_mode') {
    const isStrong = value === 'REPEATABLE-READ' || value === 'SERIALIZABLE'
    return isStrong ? undefined : `${name} is ${value}, not REPEATABLE-READ`
  }
  const modes = value.split(',')
  if (!modes.includes('STRICT_TRANS_TABLES') && !modes.includes('STRICT_ALL_TABLES')) {
    return 'sql_mode lacks STRICT_TRANS_TABLES'
  }
  const unfit = ['NO_BACKSLASH_ESCAPES', 'PIPES_AS_CONCAT', 'ANSI_QUOTES'].find((mode) => modes.includes(mode))
  return unfit === undefined ? undefined : `sql_mode has ${unfit}`
}
