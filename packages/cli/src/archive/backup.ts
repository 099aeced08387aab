import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { rowCount } from '@millrace/db/archive/digest'
import { dumpDatabase } from '@millrace/db/archive/dump'
import { encrypterFor } from '@millrace/db/archive/encryption'
import type { Consistency } from '@millrace/db/archive/lines'
import { SealWatch } from '@millrace/db/archive/seal'
import type { WrittenResult } from '@millrace/db/archive/write'
import type { Database } from '@millrace/db/store/database'
import { newId } from '@millrace/api/ids'
import { recordBackup } from '@millrace/db/repositories/backups/backups'
import { chooseDatabase, connect, refuseMissing } from '../connection.ts'
import type { Context } from '../context.ts'
import { asFailure, Failure } from '../failure.ts'
import { startProgress, type Progress } from '../progress.ts'
import { withSourceFailures } from './failure.ts'
import { tellingInterruption } from './moving.ts'
import { openOutput, type ArchiveOutput } from './output-file.ts'
import { tableLines } from './table-words.ts'

export interface BackupOptions {
  readonly database?: string
  readonly out: string
  readonly recipient: readonly string[]
  readonly consistency: Consistency
  readonly force?: boolean
}

/** `millrace backup --out FILE` */
export async function backup(context: Context, options: BackupOptions): Promise<number> {
  const chosen = chooseDatabase(context, options.database)
  refuseMissing(context, chosen)
  const recipients = recipientsOf(context, options)
  const encrypter = recipients.length === 0 ? undefined : readRecipients(recipients)
  if (encrypter === undefined) {
    context.output.note(
      'The backup is not encrypted: anyone who has the file can read the data. Use --recipient age1….',
    )
  }
  const output = openOutput(context, options.out, { mayReplace: options.force === true })
  const createdAt = new Date()
  const { consistency } = options
  try {
    const { database } = await connect(context, chosen)
    const left = () => `Nothing was written to ${output.shown}; the database is as it was. Run the command again.`
    const { written, found } = await tellingInterruption(context, left, async () => {
      const dumped = await withSourceFailures('The database', database, () =>
        dumpTo(context, database, output, { consistency, createdAt, encrypter }),
      )
      const readBack = await sealAndReadBack(output, dumped)
      context.lifetime.interruption.throwIfAborted()
      return { written: dumped, found: readBack }
    })
    output.finish()
    const taken = { ...written, ...found, createdAt, consistency, isEncrypted: encrypter !== undefined }
    await record(context, database, output, taken)
    tell(context, output, taken)
    return 0
  } finally {
    // Of a file that has its name nothing is left to discard.
    output.discard()
  }
}

function recipientsOf(context: Context, { recipient }: BackupOptions): readonly string[] {
  if (recipient.length > 0) return recipient
  const configured = context.environment()['BACKUP_RECIPIENTS']
  // An empty entry is refused, as the functions refuse it: `,` is no wish for a backup that anyone can read.
  return configured === undefined ? [] : configured.split(',').map((entry) => entry.trim())
}

function readRecipients(recipients: readonly string[]) {
  try {
    return encrypterFor(recipients)
  } catch {
    throw new Failure('settings_invalid', {
      what: 'A recipient of the backup is not an age public key.',
      why: 'Each has to be `age1…`, as `millrace secrets new` and `age-keygen` print it.',
      fix: 'Correct --recipient or BACKUP_RECIPIENTS.',
    })
  }
}

async function dumpTo(
  { lifetime }: Context,
  database: Database,
  output: ArchiveOutput,
  options: Pick<Parameters<typeof dumpDatabase>[1], 'consistency' | 'createdAt' | 'encrypter'>,
): Promise<WrittenResult> {
  let progress: Progress | undefined
  const archive = await dumpDatabase(database, {
    ...options,
    onTotal: (rows) => (progress = startProgress(rows, 'rows')),
    onRows(rows, bytes) {
      lifetime.interruption.throwIfAborted()
      progress?.advance(rows, bytes)
    },
  })
  try {
    for await (const chunk of archive.stream) await output.write(chunk)
    return archive.result()
  } finally {
    progress?.end()
    await archive.close()
  }
}

interface Taken extends WrittenResult {
  readonly createdAt: Date
  readonly verifiedAt: Date | null
  readonly isEncrypted: boolean
  readonly consistency: Consistency
}

/**
 * Seals the file, and reads it once more from the disk.
 * @returns its own digest, and when it was found right; of standard output the stream's, and null
 */
async function sealAndReadBack(
  output: ArchiveOutput,
  { sha256, sealedHeader }: WrittenResult,
): Promise<Pick<Taken, 'sha256' | 'verifiedAt'>> {
  const path = output.seal(sealedHeader)
  if (path === undefined) return { sha256, verifiedAt: null }
  const hash = createHash('sha256')
  const seal = new SealWatch()
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    seal.add(chunk)
  }
  const found = hash.digest('hex')
  const isRight =
    sealedHeader === undefined ? found === sha256 : Buffer.compare(seal.sealedHeader(), sealedHeader) === 0
  if (isRight) return { sha256: found, verifiedAt: new Date() }
  throw new Failure('archive_damaged', {
    what: `The file ${output.shown} does not hold what was written to it.`,
    why: 'Read back, it has another SHA-256.',
    fix: 'Check the disk, and write the backup to another one.',
  })
}

/** The file is done and whole whether or not the database can note it (a read replica can't): that is told, no failure. */
async function record({ output }: Context, database: Database, file: ArchiveOutput, taken: Taken): Promise<void> {
  const { createdAt, verifiedAt, bytes, sha256, tables, isEncrypted, consistency } = taken
  const name = `${createdAt.toISOString()} ${file.path === undefined ? 'standard output' : basename(file.path)}`
  try {
    await recordBackup(
      database.store(),
      {
        name: name.slice(0, 255),
        bytes,
        rowCount: rowCount(tables),
        sha256,
        isEncrypted,
        consistency,
        result: 'ok',
        createdAt,
        verifiedAt,
        drilledAt: null,
      },
      newId(createdAt),
    )
  } catch (error) {
    const { words } = asFailure(error)
    output.note(`The backup is whole, but the table backups could not record it: ${words.what} ${words.why}`)
  }
}

function tell({ output }: Context, file: ArchiveOutput, taken: Taken): void {
  const { bytes, sha256, tables, isEncrypted, consistency } = taken
  const document = { file: file.path ?? '-', bytes, sha256, encrypted: isEncrypted, consistency, tables }
  const words = [
    `Backed up ${rowCount(tables).toLocaleString('en-US')} rows into ${file.shown}: ${bytes.toLocaleString('en-US')} bytes, ${isEncrypted ? 'encrypted' : 'not encrypted'}.`,
    `sha256 ${sha256}`,
    ...tableLines(tables),
  ].join('\n')
  output.result(document, words)
}
