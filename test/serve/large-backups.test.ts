import { serverLimits } from '@millrace/api/backups/limits'
import { PartSender } from '@millrace/api/backups/parts'
import type { LogEntry } from '@millrace/api/log'
import { parseSettings } from '@millrace/api/settings'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { listScheduledBackups } from '@millrace/db/repositories/backups/runs'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import { backupsInto } from '@millrace/server/backups'
import { expect, test } from 'vitest'
import { MemoryBucket } from '../backups/memory-bucket.ts'
import { reachDatabase } from '../database.ts'
import { isLong } from '../sampling.ts'

/** More than one run of a function takes. */
const manyRows = 200_001

/** Says of one table that it has many rows; those that it has are read. */
function countingMany(snapshot: Snapshot): Snapshot {
  return {
    dialect: snapshot.dialect,
    async run(statement) {
      const result = await snapshot.run(statement)
      const isCount = /select count\(\*\) .*audit/.test(statement.text)
      return isCount ? { ...result, rows: [[manyRows]] } : result
    },
    close: () => snapshot.close(),
  }
}

test('serve backs up more rows than one run of a function takes', async () => {
  const reached = await reachDatabase('sqlite')
  const { database, raw } = reached
  const parsed = parseSettings({ DATABASE_URL: raw.url, ...newServiceSecrets() }, { needsGateway: false })
  if (!parsed.ok) throw new Error('the settings are wrong')
  const entries: LogEntry[] = []
  const log = (entry: LogEntry) => entries.push(entry)
  const rows = isLong ? manyRows : 3
  await raw.query(
    `insert into audit (id, at, type, actor_kind, subject_type, data)
     with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${rows})
     select printf('%09d', n), n, 'session.ended', 'system', 'session', '{}' from numbers`,
  )
  const counted = isLong ? database : { ...database, snapshot: async () => countingMany(await database.snapshot()) }
  await backupsInto(new MemoryBucket(), { database: counted, settings: parsed.settings, log }).run('schedule')
  expect(entries).toContainEqual(expect.objectContaining({ event: 'backup_taken', rows }))
  expect(await listScheduledBackups(database.store())).toMatchObject([{ result: 'ok', rowCount: rows }])
  await reached.stop()
})

test('an archive of more parts than an object may have fails and points to the command line', async () => {
  const upload = {
    uploadId: 'one',
    uploadPart: (partNumber: number) => Promise.resolve({ partNumber, etag: '' }),
    complete: () => Promise.resolve(),
    abort: () => Promise.resolve(),
  }
  const sender = new PartSender(upload, 1)
  await sender.write(new Uint8Array(10_000))
  await expect(sender.write(new Uint8Array(1))).rejects.toMatchObject({
    fault: 'too_large',
    fix: expect.stringContaining('millrace backup'),
  })
})

test('parts of serve make an object of hundreds of gigabytes, and two of them are little memory', () => {
  expect(serverLimits.partBytes * 10_000).toBeGreaterThan(300e9)
  expect(serverLimits.partBytes * 2).toBeLessThan(100e6)
})
