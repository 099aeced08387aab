import { openSource } from '@millrace/db/archive/dump'
import { brokenReferences } from '@millrace/db/archive/foreign-keys'
import { findHistoryGaps } from '@millrace/db/archive/history-gaps'
import { refuseUnlessRestorable } from '@millrace/db/archive/load'
import { HeldMark, readMark } from '@millrace/db/archive/mark'
import { countRows, TableReader } from '@millrace/db/archive/source'
import { archiveTables, type ArchiveTableName } from '@millrace/db/archive/tables'
import { checkBackups } from '@millrace/db/checklist/backups'
import { checkKeptExecutions } from '@millrace/db/checklist/kept'
import { checkRestore } from '@millrace/db/checklist/restore'
import { checkStaleRows } from '@millrace/db/checklist/stale'
import type { Database } from '@millrace/db/store/database'
import { now, type Act, type Acts } from './act.ts'

/** A tenth of what a page of an archive has: as many as there are of each table in the smallest size. */
const pageRows = 50

/** Before its first page, a reader asks of a whole table whether its ids are out of order: those of a database are kept. */
const readers = new WeakMap<Database, Map<ArchiveTableName, TableReader>>()

function readerOf(database: Database, name: ArchiveTableName): TableReader {
  const known = readers.get(database) ?? new Map<ArchiveTableName, TableReader>()
  readers.set(database, known)
  const table = archiveTables.find((one) => one.name === name)
  if (table === undefined) throw new Error(`there is no table ${name}`)
  const reader = known.get(name) ?? new TableReader(database.transport(), table)
  known.set(name, reader)
  return reader
}

/** A page and its proof, behind a row that is there in every size. */
function page(name: ArchiveTableName, after: Readonly<Record<string, string | number>>): Act {
  return async ({ database }) => {
    const reader = readerOf(database, name)
    const last = Object.fromEntries(reader.table.key.map((key) => [key, typeof after[key] === 'number' ? 1 : '~']))
    await reader.range({ after, last }, pageRows)
    await reader.digest({ after, last }, pageRows)
  }
}

const pages: Acts = {
  'a page of users for an archive': page('users', { id: 'u1' }),
  'a page of keys for an archive': page('api_keys', { id: 'k1' }),
  'a page of settings for an archive': page('settings', { id: 'c1' }),
  'a page of workflows for an archive': page('workflows', { id: 'w1' }),
  'a page of versions for an archive': page('workflow_versions', { workflow_id: 'w1', version_number: 1 }),
  'a page of shares for an archive': page('workflow_shares', { id: 's1' }),
  'a page of schedules for an archive': page('schedules', { id: 'd1' }),
  'a page of executions for an archive': page('executions', { id: 'x1' }),
  'a page of histories for an archive': page('execution_history', { execution_id: 'x1', seq: 1 }),
  'a page of events for an archive': page('audit', { id: 'a1' }),
}

const marks: Acts = {
  'whether a restore is under way': ({ database }) => readMark(database.transport()),
  'the mark of a restore': async ({ database }) => {
    const transport = database.transport()
    const set = await HeldMark.set(transport, 'a digest')
    if (set === undefined) throw new Error('a restore is under way')
    const found = await readMark(transport)
    if (found === undefined) throw new Error('no restore is under way')
    const held = await HeldMark.takeOver(transport, found)
    await held.begin()
    await held.note('executions', 1)
    await held.check()
    await transport.transact(held.guard(), [held.held()])
    await held.lift()
  },
  'whether a database can be restored into': async ({ database }) => {
    await refuseUnlessRestorable({ ...database }).then(
      () => {
        throw new Error('a database that has rows can be restored into')
      },
      (refusal: unknown) => refusal,
    )
  },
}

const checks: Acts = {
  'the checklist’s look at backups': ({ database }) => checkBackups(database.transport(), now),
  'the checklist’s look at a restore': ({ database }) => checkRestore(database.transport()),
}

export const archiveActs: Acts = { ...pages, ...marks, ...checks }

/** What commands ask of whole tables, and what is counted up to a bound. */
export const wholeArchiveActs: Acts = {
  'a backup that begins': async ({ database }) => (await openSource(database, 'table')).close(),
  'the number of rows for an archive': ({ database }) => countRows(database.transport()),
  'rows that refer to nothing': ({ database }) => brokenReferences(database.transport()),
  'gaps in histories': ({ database }) => findHistoryGaps(database.transport(), 10),
  'the checklist’s count of what is stale': ({ database }) => checkStaleRows(database.transport(), now),
  'the checklist’s count of what is kept': ({ database }) => checkKeptExecutions(database.transport(), false),
}
