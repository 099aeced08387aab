import { and, asc, eq, gt, inArray, lte, sql, type SQL } from 'drizzle-orm'
import type { ExecutionStatus } from '../schema/schema.ts'
import type { Database } from '../store/database.ts'
import { toolsOf } from '../dialects/tools.ts'
import { buildQuery, buildStatement } from '../sql/building.ts'
import type { Loading } from '../sql/loading.ts'
import type { Snapshot } from '../sql/snapshot.ts'
import type { Transport } from '../sql/transport.ts'
import type { TableDigests } from './digest.ts'
import { encodedTables } from './encoded-tables.ts'
import { refuseBrokenReferences } from './foreign-keys.ts'
import { insertingBy, insertingInto } from './insertion.ts'
import { LateIndexes, makeMissingIndexes } from './late-indexes.ts'
import { HeldMark, markWords, readMark, type RestoreMark } from './mark.ts'
import { Proof, type EncodedTarget } from './proof.ts'
import { RestoreError } from './restore-error.ts'
import { charactersOf, rowCountOf, type RowPage, type RowPages } from './row.ts'
import { withinRowLimit } from './row-limit.ts'
import { RowSink } from './sink.ts'
import { countRows } from './source.ts'
import { archiveTables, type ArchiveTable } from './tables.ts'
import { awaitWriters, tellingWriters } from './writers-under-way.ts'

export interface LoadOptions {
  /** Names what is loaded: only the same can be resumed. */
  readonly digest: string
  readonly isResumed: boolean
  /** Told of rows that were written, or found written, and of their text's length. */
  readonly onRows?: ((rows: number, characters: number) => void) | undefined
  /** Told of each index that is made when all rows are there. */
  readonly onIndex?: ((name: string) => void) | undefined
  /** Told of rows that the proof found as they were written. */
  readonly onProven?: ((rows: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** What the pages are read from, unchanged: a driver may copy from it. */
  readonly from?: Snapshot | undefined
  /** Rows of a table from which on its indexes are made last; for the tests. */
  readonly indexesLastFrom?: number | undefined
}

/** How often the mark tells the progress. */
const noteMilliseconds = 1000

/**
 * Writes rows into a migrated database without any, under the mark; then reads all back and compares the digests. The
 * mark is lifted only when they agree.
 * @param finish the digests that the rows have; asked when the pages have been read to their end
 * @throws RestoreError, DatabaseError, and whatever the pages throw; the mark then stays
 */
export async function loadRows(
  database: Database,
  pages: RowPages,
  finish: () => TableDigests,
  options: LoadOptions,
): Promise<TableDigests> {
  const transport = database.transport()
  const mark = options.isResumed
    ? await resumeMark(transport, options.digest)
    : await setMark(transport, options.digest)
  if (!mark.isBegun) await beginUnder(mark, transport, options.signal)
  await emptyShortLived(transport)
  const opened = await openLoading(database, options.from)
  const proof = new Proof(transport, opened.encoded)
  const fitting = withinRowLimit(pages, transport.limits)
  const indexes = await writeAll(database, { mark, opened }, noted(fitting, proof), options)
  const digests = finish()
  await raiseLastSeq(transport)
  await complete(transport, [() => makeIndexes(indexes, options), () => proof.complete(digests, options)])
  options.signal?.throwIfAborted()
  // Where they are made last, they were checked as they were made.
  if (!toolsOf(transport.dialect).bulk.makesForeignKeysLast) await refuseBrokenReferences(transport)
  await mark.lift()
  return digests
}

/** How rows go in, where the driver has more than statements. */
interface OpenLoading {
  readonly loading: Loading | undefined
  /** What the target takes of the source's rows as they are encoded there. */
  readonly encoded: EncodedTarget | undefined
}

async function openLoading(database: Database, from: Snapshot | undefined): Promise<OpenLoading> {
  const takesEncoded = from?.readEncoded !== undefined
  const tables = takesEncoded ? await encodedTables(database.transport()) : undefined
  const loading = await database.load(from)
  if (tables === undefined || loading?.insertEncoded === undefined) return { loading, encoded: undefined }
  return { loading, encoded: { tables, open: () => database.snapshot() } }
}

function makeIndexes(indexes: LateIndexes, { onIndex, signal }: LoadOptions): Promise<void> {
  return indexes.make((name) => {
    signal?.throwIfAborted()
    onIndex?.(name)
  })
}

/**
 * What is left when all rows are there; at once where the database is a server. Under the mark nobody else writes: what is
 * read needs no snapshot.
 */
async function complete({ dialect }: Transport, parts: readonly (() => Promise<void>)[]): Promise<void> {
  if (toolsOf(dialect).bulk.writesAtOnce === 1) {
    for (const part of parts) await part()
    return
  }
  const all = parts.map((part) => part())
  await Promise.allSettled(all)
  await Promise.all(all)
}

/** Takes the mark of an interrupted run over, if it is of the same rows. */
async function resumeMark(transport: Transport, digest: string): Promise<HeldMark> {
  const mark = await readMark(transport)
  if (mark === undefined) {
    throw new RestoreError('no_restore', {
      what: 'There is nothing to resume.',
      why: 'No restore into this database is under way: the last one was finished or abandoned.',
      fix: 'Run it without --resume.',
    })
  }
  if (mark.digest !== digest) {
    throw new RestoreError('other_archive', {
      what: `The ${markWords(mark).work} that is under way has another source.`,
      why: `The database is marked with ${mark.digest.slice(0, 17)}…, and this is ${digest.slice(0, 17)}….`,
      fix: `Continue with the same archive or source (${markWords(mark).resume}), or give up with \`millrace restore --abandon\`.`,
    })
  }
  return HeldMark.takeOver(transport, mark)
}

/** Sets the mark on a database without rows. */
async function setMark(transport: Transport, digest: string): Promise<HeldMark> {
  const found = await readMark(transport)
  if (found !== undefined) throw inProgress(found)
  await refuseRows(transport)
  const mark = await tellingWriters(() => HeldMark.set(transport, digest))
  if (mark === undefined) throw inProgress(await readMark(transport))
  return mark
}

/** Looks again, once nobody else can write any more; where someone wrote meanwhile, takes the mark back. */
async function beginUnder(mark: HeldMark, transport: Transport, signal: AbortSignal | undefined): Promise<void> {
  try {
    await awaitWriters(transport, signal)
    await refuseRows(transport)
  } catch (thrown) {
    await mark.lift()
    throw thrown
  }
  await mark.begin()
}

function inProgress(mark: RestoreMark | undefined): RestoreError {
  const { work, resume } = mark === undefined ? { work: 'restore', resume: '--resume' } : markWords(mark)
  return new RestoreError('restore_in_progress', {
    what: `A ${work} into this database is under way.`,
    why: 'Its mark is set: a run is writing, or one was interrupted.',
    fix: `Wait until it ends, continue with ${resume}, or give up with \`millrace restore --abandon\`.`,
  })
}

/**
 * Whether the database can be restored into: no mark, no rows.
 * @throws RestoreError
 */
export async function refuseUnlessRestorable(database: Database): Promise<void> {
  const transport = database.transport()
  const mark = await readMark(transport)
  if (mark !== undefined) throw inProgress(mark)
  await refuseRows(transport)
}

async function refuseRows(transport: Transport): Promise<void> {
  const { builder, tables } = transport.dialect
  for (const { name, property } of archiveTables) {
    const one = builder
      .select({ one: sql<number>`1`.mapWith(Number) })
      .from(tables[property])
      .limit(1)
    if ((await transport.run(buildQuery(one))).rows.length === 0) continue
    throw new RestoreError('not_empty', {
      what: 'The database has rows already.',
      why: `There are some in ${name}, and a restore goes only into empty tables.`,
      fix: 'Restore into a new database, and keep this one until you have seen that the new one is right.',
    })
  }
}

async function emptyShortLived(transport: Transport): Promise<void> {
  const { builder, tables } = transport.dialect
  for (const table of [tables.sessions, tables.passwordResets, tables.idempotencyKeys, tables.loginAttempts]) {
    await transport.run(buildStatement(builder.delete(table)))
  }
}

const unfinished: ExecutionStatus[] = ['pending', 'running', 'paused']

/** Time limit of that statement: there may be many unfinished executions. */
const raisingSeconds = 300

/** Executions of one statement, where the platform gives it less time. */
const raisedAtOnce = 1000

/** Sets `last_seq` of unfinished executions, which will get more history. No archive has it: it is the newest `seq`. */
async function raiseLastSeq(transport: Transport): Promise<void> {
  const { builder, tables } = transport.dialect
  const { executions, executionHistory } = tables
  const newest = builder
    .select({ seq: sql`coalesce(max(${executionHistory.seq}), 0)` })
    .from(executionHistory)
    .where(eq(executionHistory.executionId, executions.id))
  const isUnfinished = inArray(executions.status, unfinished)
  const raise = async (condition: SQL | undefined): Promise<void> => {
    const update = builder
      .update(executions)
      .set({ lastSeq: sql`(${newest})` })
      .where(and(isUnfinished, condition))
    await transport.run({ ...buildStatement(update), timeoutSeconds: raisingSeconds })
  }
  if (transport.limits.maxStatementSeconds === undefined) return raise(undefined)
  for (let after = ''; ;) {
    const isNext = gt(executions.id, after)
    const boundary = builder
      .select({ id: executions.id })
      .from(executions)
      .where(and(isUnfinished, isNext))
      .orderBy(asc(executions.id))
      .limit(1)
      .offset(raisedAtOnce - 1)
    const query = buildQuery(boundary)
    const [row] = (await transport.run(query)).rows.map((values) => query.decode(values))
    await raise(and(isNext, row && lte(executions.id, row.id)))
    if (row === undefined) return
    after = row.id
  }
}

async function* noted(pages: RowPages, proof: Proof): RowPages & AsyncGenerator<RowPage> {
  for await (const page of pages) {
    proof.add(page)
    yield page
  }
}

/**
 * Pages are read while those before them are written; a table is begun when the one before it is all there.
 * @returns the indexes that are still to be made
 */
async function writeAll(
  database: Database,
  { mark, opened }: { readonly mark: HeldMark; readonly opened: OpenLoading },
  pages: RowPages,
  options: LoadOptions,
): Promise<LateIndexes> {
  const transport = database.transport()
  const { isResumed, signal, indexesLastFrom } = options
  const { loading, encoded } = opened
  const insert =
    loading === undefined ? insertingBy(transport) : insertingInto(loading, transport.dialect, mark, encoded?.tables)
  const sink = new RowSink(transport, insert, options)
  const indexes = new LateIndexes(database.transport(), {
    isResumed,
    mark,
    from: indexesLastFrom,
    makesForeignKeys: loading !== undefined,
  })
  const { writesAtOnce } = toolsOf(transport.dialect).bulk
  const underWay = new Set<Promise<void>>()
  let table: ArchiveTable | undefined
  let rows = 0
  let notedAt = Date.now()
  const write = async (page: RowPage) => {
    const [count, characters] = [rowCountOf(page), charactersOf(page)]
    await indexes.wrote(page.table, await sink.write(page))
    page.encoded?.release?.()
    rows += count
    options.onRows?.(count, characters)
    if (Date.now() - notedAt < noteMilliseconds) return
    notedAt = Date.now()
    await mark.note(page.table.name, rows)
  }
  try {
    for await (const page of pages) {
      const most = page.table === table ? writesAtOnce - 1 : 0
      while (underWay.size > most) await Promise.race(underWay)
      table = page.table
      signal?.throwIfAborted()
      const writing = write(page)
      underWay.add(writing)
      writing.then(
        () => underWay.delete(writing),
        // A failure is told by whoever waits for the page: until then it must not count as unhandled.
        () => undefined,
      )
    }
    await Promise.all(underWay)
  } finally {
    // Or a late insert could come after the deletion that follows a failure.
    await Promise.allSettled(underWay)
    await loading?.close()
  }
  signal?.throwIfAborted()
  return indexes
}

/** Rows deleted by one statement; fewer where the platform gives it little time, since the pages of each document are freed. */
const deletedAtOnce = 5000
const deletedInLittleTime = 500

/**
 * Empties the tables of a database under the mark, and lifts it.
 * @returns how many rows were there
 * @throws RestoreError `no_restore` on a database without the mark: that one serves
 */
export async function abandonRestore(database: Database): Promise<number> {
  const transport = database.transport()
  const mark = await readMark(transport)
  if (mark !== undefined) return emptyUnder(transport, mark)
  throw new RestoreError('no_restore', {
    what: 'There is nothing to abandon.',
    why: 'No restore into this database is under way, and its rows are not to be deleted.',
    fix: 'Nothing has to be done.',
  })
}

/** Takes out what a run of this process wrote, if it came so far as to set its mark. */
export async function abandonOwnRestore(database: Database, digest: string): Promise<void> {
  const transport = database.transport()
  const mark = await readMark(transport)
  if (mark?.digest === digest) await emptyUnder(transport, mark)
}

/** Children go before what they refer to. Rows that are there before it has begun are of others, and stay. */
async function emptyUnder(transport: Transport, mark: RestoreMark): Promise<number> {
  const held = await HeldMark.takeOver(transport, mark)
  if (!held.isBegun) {
    await held.lift()
    return 0
  }
  const rows = await countRows(transport)
  await emptyShortLived(transport)
  for (const table of archiveTables.toReversed()) await emptyTable(transport, table)
  await makeMissingIndexes(transport)
  await held.lift()
  return rows
}

async function emptyTable(transport: Transport, { property, key }: ArchiveTable): Promise<void> {
  const { builder, tables } = transport.dialect
  const table = tables[property]
  const [keyName = 'id'] = key
  const column = sql.identifier(keyName)
  const rowsAtOnce = transport.limits.maxStatementSeconds === undefined ? deletedAtOnce : deletedInLittleTime
  for (;;) {
    const boundary = builder
      .select({ key: sql<string>`${column}` })
      .from(table)
      .orderBy(asc(sql`${column}`))
      .limit(1)
      .offset(rowsAtOnce - 1)
    const [row] = (await transport.run(buildQuery(boundary))).rows
    const condition = row === undefined ? undefined : lte(sql`${column}`, sql`${row[0]}`)
    await transport.run(buildStatement(builder.delete(table).where(condition)))
    if (row === undefined) return
  }
}
