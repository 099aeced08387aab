import { rowCount } from '@millrace/db/archive/digest'
import { brokenReferences } from '@millrace/db/archive/foreign-keys'
import type { WholeArchive } from '@millrace/db/archive/read'
import type { Database } from '@millrace/db/store/database'
import { readiness } from '@millrace/db/store/readiness'
import { recordDrill } from '@millrace/db/repositories/backups/backups'
import { chooseDatabase, connect, refuseMissing, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { asFailure, Failure } from '../failure.ts'
import { archiveFailure } from './failure.ts'
import { findInput, readIdentities, type ArchiveInput } from './input.ts'
import { loadVerified, verifiedOf } from './restore.ts'
import { makeScratch, refuseFullDisk, removeLeftovers, scratchDatabase } from './scratch.ts'
import { openEmptyTarget } from './target.ts'

export interface DrillOptions {
  readonly database?: string
  readonly identity?: string
}

/** `millrace drill FILE` */
export async function drill(context: Context, file: string, options: DrillOptions): Promise<number> {
  const recorder = options.database ? chooseDatabase(context, options.database) : undefined
  if (recorder !== undefined) refuseMissing(context, recorder)
  const input = findInput(context, file)
  if (input.bytes === undefined) throw fromStandardInput()
  const identities = readIdentities(context, options.identity)
  const startedAt = Date.now()
  removeLeftovers()
  const recording = recorder === undefined ? undefined : await openRecorder(context, recorder)
  const archive = await verifiedOf(context, input, identities).catch((thrown: unknown) => refusalOf(thrown, input))
  if (archive instanceof Failure) {
    const { why } = archive.words
    context.output.failure(archive, { ok: false, seconds: (Date.now() - startedAt) / 1000, rows: 0, problems: [why] })
    return archive.exitCode
  }
  const problems = await rehearse(context, input, identities, archive)
  const seconds = (Date.now() - startedAt) / 1000
  const rows = rowCount(archive.tables)
  if (problems.length > 0) return tellProblems(context, input, { seconds, rows, problems })
  if (recording !== undefined) await record(recording, input, archive)
  const words = `${input.shown} restores: ${rows.toLocaleString('en-US')} rows in ${seconds.toFixed(1)} s, digests and references right, workflows readable.`
  context.output.result({ ok: true, seconds, rows, problems }, words)
  return 0
}

/** Why an archive is refused, which is the drill's own verdict; anything else is thrown. */
function refusalOf(thrown: unknown, { shown }: ArchiveInput): Failure {
  const failure = archiveFailure(thrown, shown)
  if (failure instanceof Failure && failure.exitCode === 1) return failure
  throw failure
}

/** Restores into a scratch database and looks at it. */
async function rehearse(
  context: Context,
  input: ArchiveInput,
  identities: readonly string[],
  archive: WholeArchive,
): Promise<readonly string[]> {
  const scratch = makeScratch(context, 'drill')
  refuseFullDisk('drill', scratch, archive.contentBytes)
  try {
    const database = await openEmptyTarget(context, scratchDatabase(scratch), { isResumed: false })
    await loadVerified(context, database, input, { identities, isResumed: false, archive })
    const broken = await brokenReferences(database.transport())
    // Not before: the API's code would take memory that the restore needs.
    const { readThroughApi } = await import('./read-back.ts')
    return [...broken, ...(await readThroughApi(database, archive.tables.workflows.rows))]
  } catch (thrown) {
    context.lifetime.interruption.throwIfAborted()
    const { words } = asFailure(archiveFailure(thrown, input.shown))
    return [`${words.what} ${words.why}`]
  }
}

/** Asked before the work: a drill whose result can't be kept is one to do over. */
async function openRecorder(context: Context, recorder: ChosenDatabase): Promise<Database> {
  const { database } = await connect(context, recorder)
  await readiness(database)
  return database
}

async function record(
  database: Database,
  input: ArchiveInput,
  { file, head, isEncrypted, tables }: WholeArchive,
): Promise<void> {
  const at = new Date()
  await recordDrill(database.store(), {
    name: `${head.createdAt} ${input.shown}`.slice(0, 255),
    bytes: file.bytes,
    rowCount: rowCount(tables),
    sha256: file.sha256,
    isEncrypted,
    consistency: head.consistency,
    result: 'ok',
    createdAt: new Date(head.createdAt),
    verifiedAt: at,
    drilledAt: at,
  })
}

function tellProblems(
  { output }: Context,
  input: ArchiveInput,
  verdict: { readonly seconds: number; readonly rows: number; readonly problems: readonly string[] },
): number {
  const failure = new Failure('archive_damaged', {
    what: `The drill of ${input.shown} failed.`,
    why: verdict.problems.join('\n'),
    fix: 'Do not count on this backup: take a new one, drill it, and report this if it happens again.',
  })
  output.failure(failure, { ok: false, ...verdict })
  return failure.exitCode
}

function fromStandardInput(): Failure {
  return new Failure('usage', {
    what: 'A drill reads its archive twice.',
    why: 'From standard input or a pipe it can be read but once.',
    fix: 'Give the file.',
  })
}
