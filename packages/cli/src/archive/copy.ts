import { createHash } from 'node:crypto'
import { watchRows } from '@millrace/db/archive/checked-rows'
import { rowCount, type TableDigests } from '@millrace/db/archive/digest'
import { findForeignSchema } from '@millrace/db/archive/adopt/foreign-schema'
import { openSource } from '@millrace/db/archive/dump'
import { loadRows } from '@millrace/db/archive/load'
import { copyMark } from '@millrace/db/archive/mark'
import { refuseLargeRows } from '@millrace/db/archive/row-limit'
import type { TransportLimits } from '@millrace/db/sql/transport'
import type { Database } from '@millrace/db/store/database'
import { readiness } from '@millrace/db/store/readiness'
import type { Target } from '@millrace/db/url'
import { connect, readDatabase, refuseMissingSource, wholeTableSeconds } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure, namingDatabase } from '../failure.ts'
import { adopt } from './adopt.ts'
import { noteOperation } from '../operations.ts'
import { withArchiveFailures, withSourceFailures } from './failure.ts'
import { restoredWith } from './restore.ts'
import { markedWords, tellingInterruption, tellingMark } from './moving.ts'
import { startLoadProgress } from './load-progress.ts'
import { chooseQuarantine } from './quarantine-file.ts'
import { tableLines } from './table-words.ts'
import { openEmptyTarget } from './target.ts'

export interface CopyOptions {
  readonly from: string
  readonly to: string
  readonly resume?: boolean
  /** A file for the rows that can't be imported. */
  readonly quarantine?: string
  readonly force?: boolean
}

/** `millrace copy --from URL --to URL`; a source that another program made is adopted. */
export async function copy(context: Context, options: CopyOptions): Promise<number> {
  const from = readDatabase(context, options.from, '--from')
  const to = readDatabase(context, options.to, '--to')
  refuseMissingSource(context, from)
  if (placeOf(from.target) === placeOf(to.target)) throw sameDatabase(from.shownUrl)
  const isResumed = options.resume === true
  const quarantine = chooseQuarantine(context, options)
  const { database: source } = await connect(context, from, { onlyReads: true, timeoutSeconds: wholeTableSeconds })
  const schema = await namingDatabase('--from', () => findForeignSchema(source))
  const digest = digestOf(from.target)
  if (schema !== undefined) {
    return tellingInterruption(
      context,
      () => interruptedWords(to.shownUrl),
      () =>
        withArchiveFailures(from.shownUrl, () =>
          adopt(context, { from, to, source, schema, sourceDigest: digest, quarantine, isResumed }),
        ),
    )
  }
  if (quarantine !== undefined) {
    context.output.note(
      'The source is a database of millrace: all its rows move or none, and no quarantine is written.',
    )
  }
  const left = () => interruptedWords(to.shownUrl)
  const check = (limits: TransportLimits) => namingDatabase('--from', () => refuseRowsThatDoNotFit(source, limits))
  const tables = await tellingInterruption(context, left, () =>
    withSourceFailures(from.shownUrl, source, async () => {
      // Before the target is touched: a source that can't be read leaves no empty database behind.
      await namingDatabase('--from', () => readiness(source))
      const target = await namingDatabase('--to', () => openEmptyTarget(context, to, { isResumed, check }))
      const moved = await tellingMark(context, markedWords(to.shownUrl), () =>
        moveRows(context, source, target, { isResumed, digest }),
      )
      await noteOperation(context, target, restoredWith('copy', moved))
      return moved
    }),
  )
  const document = Object.fromEntries(
    Object.entries(tables).map(([name, { rows, sha256 }]) => [
      name,
      { read: rows, written: rows, quarantined: 0, added: 0, sha256 },
    ]),
  )
  const words = [
    `Copied ${rowCount(tables).toLocaleString('en-US')} rows from ${from.shownUrl} to ${to.shownUrl}; the digests of both are equal.`,
    ...tableLines(tables),
  ].join('\n')
  context.output.result({ ok: true, tables: document }, words)
  return 0
}

function interruptedWords(shownUrl: string): string {
  return `The source is as it was. ${markedWords(shownUrl)}`
}

async function moveRows(
  { lifetime }: Context,
  source: Database,
  target: Database,
  options: { readonly isResumed: boolean; readonly digest: string },
): Promise<TableDigests> {
  const opened = await openSource(source, 'snapshot')
  const progress = startLoadProgress(opened.rows)
  try {
    const rows = watchRows(opened.pages)
    return await loadRows(target, rows.pages, () => rows.finish(), {
      ...progress,
      ...options,
      from: opened.snapshot,
      signal: lifetime.interruption,
    })
  } finally {
    progress.end()
    await opened.close()
  }
}

/** Costs one more reading of the source, where the target has a limit that the source has not. */
async function refuseRowsThatDoNotFit(source: Database, limits: TransportLimits): Promise<void> {
  const { maxRowBytes } = source.transport().limits
  if (limits.maxRowBytes === undefined || (maxRowBytes ?? Number.POSITIVE_INFINITY) <= limits.maxRowBytes) return
  const opened = await openSource(source, 'snapshot')
  try {
    await refuseLargeRows(opened.pages, limits)
  } finally {
    await opened.close()
  }
}

/** What stands for the source in the mark: where it is, without its password. */
function digestOf(target: Target): string {
  const place = createHash('sha256')
    .update(`copy from ${placeOf(target)}`)
    .digest('hex')
  return `${copyMark}${place}`
}

function placeOf(target: Target): string {
  switch (target.via) {
    case 'file':
      return `file ${target.path}`
    case 'libsql':
      return `libsql ${target.url}`
    case 'd1':
      return `d1 ${target.databaseId ?? target.binding}`
    case 'neon':
    case 'planetscale':
    case 'gateway':
    case 'hyperdrive':
      return `${target.dialect} ${target.host.toLowerCase()}:${target.port}/${target.database}`
  }
}

function sameDatabase(shownUrl: string): Failure {
  return new Failure('usage', {
    what: 'Source and target are the same database.',
    why: `Both are ${shownUrl}.`,
    fix: 'Give another database with --to.',
  })
}
