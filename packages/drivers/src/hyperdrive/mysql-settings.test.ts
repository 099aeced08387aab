import { DatabaseError } from '@millrace/db/sql/errors'
import { expect, test } from 'vitest'
import { refuseUnfitSettings } from './mysql-settings.ts'

const fit = {
  sql_mode: 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
  character_set_client: 'utf8mb4',
  character_set_connection: 'utf8mb4',
  character_set_results: 'utf8mb4',
  tx_isolation: 'REPEATABLE-READ',
}

function faultOf(settings: Readonly<Record<string, string>>): string | undefined {
  try {
    refuseUnfitSettings({ rows: Object.entries(settings), affected: 0 })
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    expect(thrown).toMatchObject({ fault: 'internal', isNotApplied: true })
    expect(thrown.fix).toContain('docs/databases.md')
    return thrown.message.replace(/^.*: /, '')
  }
}

test('the defaults of MySQL 8 and MariaDB fit', () => {
  expect(faultOf(fit)).toBeUndefined()
  expect(faultOf({ ...fit, sql_mode: 'ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES' })).toBeUndefined()
  const { tx_isolation: level, ...others } = fit
  expect(faultOf({ ...others, transaction_isolation: level })).toBeUndefined()
})

test.each([
  [{ sql_mode: '' }, 'sql_mode lacks STRICT_TRANS_TABLES'],
  [{ sql_mode: 'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES' }, 'sql_mode has NO_BACKSLASH_ESCAPES'],
  [{ sql_mode: 'PIPES_AS_CONCAT,STRICT_ALL_TABLES' }, 'sql_mode has PIPES_AS_CONCAT'],
  [{ tx_isolation: 'READ-COMMITTED' }, 'tx_isolation is READ-COMMITTED, not REPEATABLE-READ'],
  [
    { character_set_results: 'latin1', character_set_client: 'utf8mb3' },
    'character_set_client is utf8mb3, not utf8mb4, character_set_results is latin1, not utf8mb4',
  ],
])('refuses %j, and says what is wrong', (changed, message) => {
  expect(faultOf({ ...fit, ...changed })).toBe(message)
})
