import { randomUUID } from 'node:crypto'
import { rowCount, type TableDigests } from '@millrace/db/archive/digest'
import { abandonOwnRestore, abandonRestore } from '@millrace/db/archive/load'
import { openArchive, type WholeArchive } from '@millrace/db/archive/read'
import { restoreArchive } from '@millrace/db/archive/restore'
import { refuseLargeRows } from '@millrace/db/archive/row-limit'
import type { TransportLimits } from '@millrace/db/sql/transport'
import type { Database } from '@millrace/db/store/database'
import { chooseDatabase, connect, refuseMissing, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { noteOperation } from '../operations.ts'
import { problemsFailure, withArchiveFailures } from './failure.ts'
import { markedWords, tellingInterruption, tellingMark } from './moving.ts'
import { findInput, readIdentities, type ArchiveInput } from './input.ts'
import { startLoadProgress } from './load-progress.ts'
import { tableLines } from './table-words.ts'
import { openEmptyTarget } from './target.ts'
import { verifyInput } from './verify.ts'

export interface RestoreOptions {
  readonly database?: string
  readonly identity?: string
  readonly resume?: boolean
  readonly abandon?: boolean
}

/** `millrace restore FILE` */
export async function restore(context: Context, file: string | undefined, options: RestoreOptions): Promise<number> {
  refuseContradictions(file, options)
  const chosen = chooseDatabase(context, options.database)
  if (options.abandon === true) return abandon(context, chosen)
  const input = findInput(context, file ?? '-')
  if (options.resume === true && input.bytes === undefined) {
    throw wrongArguments('A restore from standard input or a pipe cannot be resumed: on failure its rows are removed.')
  }
  const identities = readIdentities(context, options.identity)
  const left = () =>
    input.bytes === undefined
      ? `What it had written to ${chosen.shownUrl} was removed, unless the database still says that a restore is under way.`
      : markedWords(chosen.shownUrl)
  const tables = await tellingInterruption(context, left, () =>
    withArchiveFailures(input.shown, () =>
      input.bytes === undefined
        ? restoreOnce(context, chosen, input, identities)
        : restoreVerified(context, chosen, input, { identities, isResumed: options.resume === true }),
    ),
  )
  const words = [
    `Restored ${rowCount(tables).toLocaleString('en-US')} rows into ${chosen.shownUrl}. The digests of the database are those of the archive.`,
    ...tableLines(tables),
  ].join('\n')
  context.output.result({ ok: true, tables }, words)
  return 0
}

function refuseContradictions(file: string | undefined, { resume, abandon: isAbandoned }: RestoreOptions): void {
  if (isAbandoned === true && resume === true) throw wrongArguments('--resume and --abandon exclude each other.')
  if (isAbandoned !== true && file === undefined) {
    throw wrongArguments('The archive is missing: give a FILE, or - for standard input.')
  }
}

function wrongArguments(why: string): Failure {
  return new Failure('usage', { what: 'The arguments are wrong.', why, fix: 'Run `millrace restore --help`.' })
}

interface Verified {
  readonly identities: readonly string[]
  readonly isResumed: boolean
}

/** Reads the whole file before the first row is written, then once more to write it. */
async function restoreVerified(
  context: Context,
  chosen: ChosenDatabase,
  input: ArchiveInput,
  { identities, isResumed }: Verified,
): Promise<TableDigests> {
  const archive = await verifiedOf(context, input, identities)
  const check = (limits: TransportLimits) => refuseRowsThatDoNotFit(input, identities, limits)
  const database = await openEmptyTarget(context, chosen, { isResumed, check })
  const tables = await tellingMark(context, markedWords(chosen.shownUrl), () =>
    loadVerified(context, database, input, { identities, isResumed, archive }),
  )
  await noteOperation(context, database, restoredWith('restore', tables))
  return tables
}

/** Reads the file once more, where the database has a limit. */
async function refuseRowsThatDoNotFit(
  input: ArchiveInput,
  identities: readonly string[],
  limits: TransportLimits,
): Promise<void> {
  if (limits.maxRowBytes === undefined) return
  const { pages } = await openArchive(input.open(), { identities, mostProblems: 1 })
  await refuseLargeRows(pages, limits)
}

/** @throws Failure when the archive is not whole */
export async function verifiedOf(
  context: Context,
  input: ArchiveInput,
  identities: readonly string[],
): Promise<WholeArchive> {
  const verdict = await verifyInput(context, input, identities)
  if (verdict.isWhole) return verdict.archive
  throw problemsFailure(verdict.fault, verdict.problems, input.shown)
}

/** The audit event of rows that came from elsewhere, and were proved. */
export function restoredWith(command: 'restore' | 'copy', tables: TableDigests) {
  return { type: 'database.restored', command, data: { rows: rowCount(tables) } } as const
}

/** Writes a verified archive into an empty, migrated database. */
export async function loadVerified(
  { lifetime }: Context,
  database: Database,
  input: ArchiveInput,
  { identities, isResumed, archive }: Verified & { readonly archive: WholeArchive },
): Promise<TableDigests> {
  const progress = startLoadProgress(rowCount(archive.tables))
  try {
    const reading = await openArchive(input.open(), { identities, mostProblems: 1 })
    return await restoreArchive(database, reading, {
      ...progress,
      digest: archive.contentSha256,
      verifiedSha256: archive.contentSha256,
      isResumed,
      signal: lifetime.interruption,
    })
  } finally {
    progress.end()
  }
}

/** What can be read but once goes in under the mark, and out again when it turns out not to be whole. */
async function restoreOnce(
  context: Context,
  chosen: ChosenDatabase,
  input: ArchiveInput,
  identities: readonly string[],
): Promise<TableDigests> {
  const reading = await openArchive(input.open(), { identities, mostProblems: 1 })
  const database = await openEmptyTarget(context, chosen, { isResumed: false })
  const digest = `standard input ${randomUUID()}`
  try {
    const tables = await restoreArchive(database, reading, {
      digest,
      verifiedSha256: undefined,
      isResumed: false,
      signal: context.lifetime.interruption,
    })
    await noteOperation(context, database, restoredWith('restore', tables))
    return tables
  } catch (thrown) {
    context.output.note('The restore failed: the rows that it wrote are being removed.')
    await abandonOwnRestore(database, digest)
    throw thrown
  }
}

async function abandon(context: Context, chosen: ChosenDatabase): Promise<number> {
  refuseMissing(context, chosen)
  const { database } = await connect(context, chosen)
  const rows = await withArchiveFailures(chosen.shownUrl, () => abandonRestore(database))
  const words = `Abandoned the restore into ${chosen.shownUrl}: ${rows.toLocaleString('en-US')} rows were removed, and the mark.`
  context.output.result({ ok: true, tables: {} }, words)
  return 0
}
