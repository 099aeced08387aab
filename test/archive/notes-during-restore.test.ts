import { newBackupRow } from '@millrace/api/backups/new-row'
import { newId } from '@millrace/api/ids'
import { createApiKey, touchApiKey } from '@millrace/db/repositories/accounts/api-keys'
import { recordOperation } from '@millrace/db/repositories/audit/operations'
import { recordBackup } from '@millrace/db/repositories/backups/backups'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { createUser } from '../executions/kit.ts'

/* What commands and requests note beside what they do. A row that an archive does not have would fail the restore's proof. */

const at = new Date('2026-01-01T00:00:00.000Z')
const keySha256 = 'a'.repeat(64)
/** Of tables that an archive has. */
const noted = [
  'select id from audit order by id',
  'select id, last_used_at from api_keys order by id',
  'select name from backups',
]

const notes: readonly (readonly [what: string, note: (store: Store) => Promise<void>, isTold: boolean])[] = [
  [
    'a backup that a command took',
    (store) => recordBackup(store, newBackupRow({ name: 'of a command', result: 'ok', createdAt: at }), newId(at)),
    true,
  ],
  [
    'that a command migrated the database',
    (store) =>
      recordOperation(store, { eventId: newId(at), at, type: 'database.migrated', command: 'migrate', data: {} }),
    false,
  ],
  ['that an API key was used', (store) => touchApiKey(store, { keySha256, at, before: at }), false],
]

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
    const user = await createUser(store)
    await createApiKey(
      store,
      user,
      {
        id: randomUUID(),
        name: 'a key',
        scopes: 'write',
        prefix: 'mr_',
        keySha256,
        expiresAt: null,
        createdAt: at,
        mayAdminister: false,
      },
      undefined,
    )
  })
  afterAll(() => reached.stop())

  const rows = () => Promise.all(noted.map((query) => reached.raw.query(query)))

  test.each(notes)('%s is not noted where others restore, and is noted after that', async (_, note, isTold) => {
    const before = await rows()
    await reached.raw.query(`update marks set value = 'an archive' where name = 'restore'`)
    try {
      const noting = note(store)
      if (isTold) await expect(noting).rejects.toThrow('a restore into this database')
      else await noting
    } finally {
      await reached.raw.query(`update marks set value = null where name = 'restore'`)
    }
    expect(await rows()).toEqual(before)
    await note(store)
    expect(await rows()).not.toEqual(before)
  })
})
