import { watchRows } from '@millrace/db/archive/checked-rows'
import { readRows } from '@millrace/db/archive/source'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import Sqlite from 'libsql'
import { expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { fill } from './archives.ts'

/** SQLite keeps whatever another program writes. What no archive can hold is refused, and never read as another value. */

const unfit: readonly (readonly [title: string, change: string, words: string])[] = [
  ['a text with NUL', `update users set username = 'al' || char(0) || 'ice'`, 'username holds a character'],
  [
    'a text with NUL at the end of a page',
    `update audit set request_id = 'al' || char(0)`,
    'request_id holds a character',
  ],
  ['a document behind which is more', `update settings set settings_data = '{}' || char(0) || 'x'`, 'settings_data is'],
  ['a BLOB in place of a text', `update users set username = x'616c696365'`, 'username holds a character'],
  ['an empty text in place of a time', `update users set created_at = ''`, 'created_at is not a time'],
  ['a number of another base in place of a time', `update users set created_at = '0x10'`, 'created_at is not a time'],
  ['a fraction in place of a count', `update workflows set revision = 1.5`, 'revision is not a safe integer'],
  ['a number of 20 digits', `update workflows set revision = 12345678901234567890.0`, 'revision is not a safe integer'],
  ['a number that is no double', `update workflows set revision = 9007199254740993`, 'revision is not a safe integer'],
  ['a text in place of a flag', `update workflows set is_public = 'true'`, 'is_public is neither'],
]

async function withChanged(change: string, check: (database: ReachedDatabase) => Promise<void>): Promise<void> {
  const source = await reachDatabase('sqlite')
  try {
    await fill(source.database, { users: 2, workflows: 2, executions: 2 })
    if (source.target.via !== 'file') throw new TypeError('the database is no file')
    const file = new Sqlite(source.target.path)
    // No unique key is met twice: one row of each table is changed.
    file.exec(change.replace(/^update (\w+) (.*)$/, 'update $1 $2 where rowid = (select max(rowid) from $1)'))
    file.close()
    await check(source)
  } finally {
    await source.stop()
  }
}

test.each(unfit)('%s is refused', async (_title, change, words) => {
  await withChanged(change, async ({ target }) => {
    const database = await openNativeDatabase({ target })
    const snapshot = await database.snapshot()
    try {
      const { pages } = watchRows(readRows(snapshot))
      const reading = async () => {
        for await (const page of pages) expect(page.entries.length).toBeGreaterThan(0)
      }
      await expect(reading()).rejects.toThrow(words)
    } finally {
      await snapshot.close()
      await database.close()
    }
  })
})
