import { setTimeout as delay } from 'node:timers/promises'
import { countRows } from '@millrace/db/archive/source'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import Sqlite from 'libsql'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { fill } from './archives.ts'

/** A file that another program has open, and that is not in WAL mode: there readers and writers wait for each other. */

let source: ReachedDatabase
let target: ReachedDatabase['target']
let other: Sqlite.Database
let rows: number

beforeEach(async () => {
  source = await reachDatabase('sqlite')
  await fill(source.database, { users: 2, workflows: 2, executions: 2 })
  rows = await countRows(source.database.transport())
  if (source.target.via !== 'file') throw new TypeError('the database is no file')
  const path = `${source.target.path}.copy`
  target = { ...source.target, path }
  const original = new Sqlite(source.target.path)
  original.exec(`vacuum into '${path}'`)
  original.close()
  other = new Sqlite(path)
})

afterEach(async () => {
  other.close()
  await source.stop()
})

test('a snapshot waits for another program that writes', async () => {
  const database = await openNativeDatabase({ target, file: { onlyReads: true, movesRows: true } })
  other.exec('begin exclusive')
  const reading = database.snapshot()
  await delay(100)
  other.exec('commit')
  const snapshot = await reading
  expect(await countRows(snapshot)).toBe(rows)
  await snapshot.close()
  await database.close()
})

test('a file that another program reads is opened, though its journal cannot be changed then', async () => {
  other.exec('begin')
  expect(other.prepare('select id from users').raw().all([])).toHaveLength(2)
  const database = await openNativeDatabase({ target, file: { movesRows: true } })
  expect(await countRows(database.transport())).toBe(rows)
  await database.close()
  other.exec('commit')
})
