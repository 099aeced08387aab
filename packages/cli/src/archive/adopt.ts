import { createAdoptedSecrets } from '@millrace/api/user-settings/adopted'
import type { NamedKey } from '@millrace/api/settings'
import { prepareAdoption, type Adoption } from '@millrace/db/archive/adopt/adoption'
import type { ForeignSchema } from '@millrace/db/archive/adopt/foreign-schema'
import { guideTables } from '@millrace/db/archive/adopt/guide-tables'
import { Scratch } from '@millrace/db/archive/adopt/scratch'
import { watchRows } from '@millrace/db/archive/checked-rows'
import { rowCount, TablesDigester, type TableDigests } from '@millrace/db/archive/digest'
import { loadRows } from '@millrace/db/archive/load'
import { readMark } from '@millrace/db/archive/mark'
import { refuseLargeRows } from '@millrace/db/archive/row-limit'
import type { Database } from '@millrace/db/store/database'
import { connect, isMissingFile, refuseMissingResumed, wholeTableSeconds, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure, namingDatabase } from '../failure.ts'
import { withOneSetting } from '../one-setting.ts'
import { noteOperation } from '../operations.ts'
import { startProgress, type Progress } from '../progress.ts'
import { startLoadProgress } from './load-progress.ts'
import { markedWords, tellingMark } from './moving.ts'
import type { QuarantineFile } from './quarantine-file.ts'
import { noteWords, refusalLines, refusedDocument, rowsWord } from './refusal-words.ts'
import { restoredWith } from './restore.ts'
import { makeScratch, refuseFullDisk, removeLeftovers, scratchDatabase } from './scratch.ts'
import { migrateEmptyTarget, refuseUnfitTarget } from './target.ts'

export interface AdoptPlan {
  readonly from: ChosenDatabase
  readonly to: ChosenDatabase
  readonly source: Database
  readonly schema: ForeignSchema
  /** What stands for the source in the target's mark. */
  readonly sourceDigest: string
  readonly quarantine: QuarantineFile | undefined
  readonly isResumed: boolean
}

/** Moves a database that another program made: all its rows are judged, then, if none is wrong or those aside, written. */
export async function adopt(context: Context, plan: AdoptPlan): Promise<number> {
  const { from, to, isResumed, quarantine } = plan
  const { settingsKeys: keys } = await withOneSetting(context, to, 'SETTINGS_KEYS')
  if (isResumed) refuseMissingResumed(context, to)
  const early = isMissingFile(to.target) ? undefined : await openUnwritten(context, to, isResumed)
  const at = (isResumed && early !== undefined ? await earlierTime(early, plan) : undefined) ?? new Date().toISOString()
  const adoption = await judgeSource(context, plan, keys, at)
  if (adoption.hasSecrets && keys.length === 0) throw keysMissing(from)
  for (const note of adoption.notes) context.output.note(noteWords(note))
  if (adoption.refusals.length > 0 && quarantine === undefined) return tellRefusal(context, plan, adoption)
  const target = early ?? (await connect(context, to)).database
  if (!isResumed) {
    await refuseLargeRows(adoption.pages(), target.transport().limits)
    await migrateEmptyTarget(context, to, target)
  }
  // On the disk before the first row is written: so no row is adopted without the others being safe.
  await quarantine?.write(interruptible(adoption.quarantine(), context))
  const tables = await tellingMark(context, markedWords(to.shownUrl), () =>
    write(context, target, adoption, { isResumed, digest: markOf(plan, at) }),
  )
  await noteOperation(context, target, restoredWith('copy', tables))
  tell(context, plan, adoption, tables)
  return 0
}

async function openUnwritten(context: Context, to: ChosenDatabase, isResumed: boolean): Promise<Database> {
  const { database } = await connect(context, to)
  if (!isResumed) await namingDatabase('--to', () => refuseUnfitTarget(context, to, database))
  return database
}

/** The mark names the source and the time of adoption, which values are made of: a resumed run has to use the same. */
function markOf({ sourceDigest }: AdoptPlan, at: string): string {
  return `${sourceDigest} adopted ${at}`
}

async function earlierTime(target: Database, plan: AdoptPlan): Promise<string | undefined> {
  const digest = (await readMark(target.transport()))?.digest
  const beginning = markOf(plan, '')
  return digest?.startsWith(beginning) === true ? digest.slice(beginning.length) : undefined
}

/** Reads the source through one snapshot into a scratch database, and judges its rows there. */
async function judgeSource(
  context: Context,
  { source, schema }: AdoptPlan,
  keys: readonly NamedKey[],
  at: string,
): Promise<Adoption> {
  removeLeftovers()
  const directory = makeScratch(context, 'adoption')
  const options = { timeoutSeconds: wholeTableSeconds }
  const scratch = await Scratch.open((await connect(context, scratchDatabase(directory), options)).database.transport())
  const snapshot = await source.snapshot()
  let progress: Progress | undefined
  try {
    const adoption = await prepareAdoption(snapshot, schema, scratch, {
      at,
      secrets: createAdoptedSecrets(keys),
      onTotal(rows, bytes) {
        refuseFullDisk('adoption', directory, bytes)
        progress = startProgress(rows, 'rows checked')
      },
      onRows(rows) {
        context.lifetime.interruption.throwIfAborted()
        progress?.advance(rows, 0)
      },
    })
    await snapshot.confirm?.()
    return adoption
  } finally {
    progress?.end()
    await snapshot.close()
  }
}

async function* interruptible(lines: AsyncIterable<string>, { lifetime }: Context): AsyncGenerator<string> {
  for await (const line of lines) {
    lifetime.interruption.throwIfAborted()
    yield line
  }
}

async function write(
  { lifetime }: Context,
  target: Database,
  adoption: Adoption,
  options: { readonly isResumed: boolean; readonly digest: string },
): Promise<TableDigests> {
  const counts = Object.values(adoption.counts)
  const progress = startLoadProgress(
    counts.reduce((sum, { read, quarantined, added }) => sum + read - quarantined + added, 0),
  )
  const rows = watchRows(adoption.pages())
  const finish = () => {
    const tables = rows.finish()
    refuseLostRows(adoption, tables)
    return tables
  }
  try {
    return await loadRows(target, rows.pages, finish, { ...progress, ...options, signal: lifetime.interruption })
  } finally {
    progress.end()
  }
}

/** Asked before the target's mark is lifted. */
function refuseLostRows({ counts }: Adoption, tables: TableDigests): void {
  for (const { name } of guideTables) {
    const { read, quarantined, added } = counts[name]
    const written = tables[name].rows - added
    if (written + quarantined === read) continue
    throw new Failure('internal', {
      what: `Of ${name} ${rowsWord(read)} were read, but ${written} written and ${quarantined} quarantined.`,
      why: 'Some would be lost. The target stays marked and serves nothing.',
      fix: 'Empty it with `millrace restore --abandon`, and report this as a defect of millrace.',
    })
  }
}

function tell(
  { output }: Context,
  { from, to, quarantine }: AdoptPlan,
  adoption: Adoption,
  tables: TableDigests,
): void {
  const refused = adoption.refusals.length === 0 ? {} : { refused: refusedDocument(adoption) }
  const aside = Object.values(adoption.counts).reduce((sum, { quarantined }) => sum + quarantined, 0)
  const asideWords =
    aside === 0 || quarantine === undefined
      ? []
      : [
          `${rowsWord(aside)} were moved aside into ${quarantine.shown}:`,
          ...refusalLines(adoption).map((line) => `  ${line}`),
        ]
  const words = [
    `Adopted ${from.shownUrl} as ${to.shownUrl}: ${rowsWord(rowCount(tables))}, read back and equal.`,
    ...Object.entries(tableCounts(adoption, tables)).map(
      ([name, { read, written, quarantined, added, sha256 }]) =>
        `  ${name.padEnd(17)}  ${counted(read, 'read')}  ${counted(written, 'written')}  ${counted(quarantined, 'quarantined')}  ${counted(added, 'added')}  ${sha256.slice(0, 16)}…`,
    ),
    ...asideWords,
  ].join('\n')
  output.result({ ok: true, tables: tableCounts(adoption, tables), ...refused }, words)
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US').padStart(9)} ${what}`
}

interface TableCounts {
  readonly read: number
  readonly written: number
  readonly quarantined: number
  readonly added: number
  readonly sha256: string
}

function tableCounts(
  { counts }: Pick<Adoption, 'counts'>,
  tables: TableDigests,
): Readonly<Record<string, TableCounts>> {
  const none = { read: 0, quarantined: 0, added: 0 }
  return Object.fromEntries(
    Object.entries(tables).map(([name, { rows, sha256 }]) => {
      const { read, quarantined, added } = Object.entries(counts).find(([table]) => table === name)?.[1] ?? none
      return [name, { read, written: rows - added, quarantined, added, sha256 }]
    }),
  )
}

function tellRefusal({ output }: Context, { from }: AdoptPlan, adoption: Adoption): number {
  const count = Object.values(adoption.counts).reduce((sum, { quarantined }) => sum + quarantined, 0)
  const failure = new Failure('rows_refused', {
    what: `${rowsWord(count)} of ${from.shownUrl} can't be imported. Nothing was written.`,
    why: refusalLines(adoption).join('\n'),
    fix: 'Correct these rows in the source, or use --quarantine FILE: they are written to this file, and the other rows are copied.',
  })
  const counts = Object.fromEntries(
    Object.entries(adoption.counts).map(([name, { read }]) => [name, { read, quarantined: 0, added: 0 }]),
  )
  const tables = tableCounts({ counts: { ...adoption.counts, ...counts } }, new TablesDigester().finish())
  output.failure(failure, { ok: false, tables, refused: refusedDocument(adoption) })
  return failure.exitCode
}

function keysMissing({ shownUrl }: ChosenDatabase): Failure {
  return new Failure('settings_invalid', {
    what: 'SETTINGS_KEYS is not set. Nothing was written.',
    why: `The settings in ${shownUrl} hold secrets, which are sealed under its first key.`,
    fix: 'Set it to what the functions have, or will have; `millrace secrets new` prints a new one.',
  })
}
