import { ArchiveError } from '@millrace/db/archive/archive-error'
import { differingTables, rowCount, StreamDigest, type TableDigests } from '@millrace/db/archive/digest'
import { openArchive } from '@millrace/db/archive/read'
import type { BackupBucket } from './bucket.ts'
import { WorkflowDrill } from './drill.ts'
import { BackupFailure, ofBucket } from './failure.ts'
import type { RunWatch } from './limits.ts'

export interface ReadBack {
  /** Undefined where the archive was not opened: it is encrypted and there is no identity. */
  readonly drill: { readonly problems: readonly string[] } | undefined
}

interface Written {
  readonly bytes: number
  readonly sha256: string
  readonly tables: TableDigests
}

/**
 * Reads an object as it is in the bucket and compares it with what was written, its rows too where it can be opened.
 * @throws BackupFailure `read_back_differs`, `bucket_failed`
 */
export async function readBack(
  bucket: BackupBucket,
  key: string,
  written: Written,
  { isEncrypted, identity, watch }: { isEncrypted: boolean; identity: string | undefined; watch: RunWatch },
): Promise<ReadBack> {
  if (isEncrypted && identity === undefined) {
    await compareBytes(bucket, key, written, watch)
    return { drill: undefined }
  }
  try {
    return { drill: { problems: await compareRows(bucket, key, written, { identity, watch }) } }
  } catch (thrown) {
    if (!isEncrypted || !(thrown instanceof ArchiveError)) throw thrown
    // What the identity can't open may be whole all the same, for others.
    await compareBytes(bucket, key, written, watch)
    return { drill: { problems: [`BACKUP_IDENTITY does not open it as a whole archive: ${thrown.message}`] } }
  }
}

async function compareBytes(bucket: BackupBucket, key: string, written: Written, watch: RunWatch): Promise<void> {
  const digest = new StreamDigest()
  const reader = (await bodyOf(bucket, key)).getReader()
  for (;;) {
    const next = await ofBucket('reading the backup back', () => reader.read())
    if (next.done) break
    digest.add(next.value)
    watch.checkTime()
  }
  compare(digest.finish(), written)
}

/** @returns what the drill found */
async function compareRows(
  bucket: BackupBucket,
  key: string,
  written: Written,
  { identity, watch }: { readonly identity: string | undefined; readonly watch: RunWatch },
): Promise<readonly string[]> {
  const { pages } = await openArchive(await bodyOf(bucket, key), {
    identities: identity === undefined ? [] : [identity],
    mostProblems: 1,
    onProgress: () => watch.checkTime(),
  })
  const drill = new WorkflowDrill(written.tables.workflows.rows)
  for (;;) {
    const next = await pages.next()
    if (next.done === true) {
      compare(next.value.file, written)
      if (differingTables(next.value.tables, written.tables).length > 0) throw differs('its rows are others')
      return drill.problems
    }
    if (next.value.table.name !== 'workflows') continue
    for (const { row } of next.value.entries) drill.add(row)
  }
}

async function bodyOf(bucket: BackupBucket, key: string): Promise<ReadableStream<Uint8Array>> {
  const object = await ofBucket('reading the backup back', () => bucket.get(key))
  if (object === null) throw differs('it is not there')
  return object.body
}

function compare(found: { readonly bytes: number; readonly sha256: string }, { bytes, sha256, tables }: Written): void {
  if (found.bytes === bytes && found.sha256 === sha256) return
  throw differs(`it has ${found.bytes} bytes of ${bytes} (${rowCount(tables)} rows), and its SHA-256 is another`)
}

function differs(cause: string): BackupFailure {
  return new BackupFailure('read_back_differs', {
    cause: `read back from the bucket, the backup is not what was written: ${cause}`,
    fix: 'Look at the state of what stores the backups; the next run tries again.',
  })
}
