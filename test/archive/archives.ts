import { dumpDatabase, type DumpOptions } from '@millrace/db/archive/dump'
import { loadRows } from '@millrace/db/archive/load'
import type { TableDigests } from '@millrace/db/archive/digest'
import { openArchive } from '@millrace/db/archive/read'
import { restoreArchive } from '@millrace/db/archive/restore'
import { verifyArchive, type Verdict } from '@millrace/db/archive/verify'
import type { Database } from '@millrace/db/store/database'
import { gunzipSync, gzipSync } from 'node:zlib'
import { watchedSample, type SampleSize } from './sample.ts'

/** Fills a migrated, empty database with sample rows. */
export function fill(database: Database, size: SampleSize, seed = 1): Promise<TableDigests> {
  const sample = watchedSample(size, seed)
  return loadRows(database, sample.pages, () => sample.finish(), { digest: 'sample', isResumed: false })
}

/** A database's archive, as `millrace backup` writes it into a file. */
export async function archiveOf(database: Database, options: Partial<DumpOptions> = {}): Promise<Buffer> {
  const archive = await dumpDatabase(database, { consistency: 'snapshot', createdAt: new Date(), ...options })
  try {
    const bytes = Buffer.from(await new Response(archive.stream).arrayBuffer())
    archive.result().sealedHeader?.forEach((byte, at) => {
      bytes[at] = byte
    })
    return bytes
  } finally {
    await archive.close()
  }
}

export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([Uint8Array.from(bytes)]).stream()
}

export function verified(bytes: Uint8Array, identities: readonly string[] = []): Promise<Verdict> {
  return verifyArchive(streamOf(bytes), { identities })
}

/** Restores an archive into a migrated, empty database. */
export async function restored(database: Database, bytes: Uint8Array): Promise<TableDigests> {
  const verdict = await verified(bytes)
  if (!verdict.isWhole) throw new Error(verdict.problems.map(({ what }) => what).join('; '))
  const { contentSha256 } = verdict.archive
  const reading = await openArchive(streamOf(bytes), { identities: [], mostProblems: 1 })
  return restoreArchive(database, reading, { digest: contentSha256, verifiedSha256: contentSha256, isResumed: false })
}

/** An archive's lines, the first and the last among them. */
export function linesOf(archive: Uint8Array): readonly string[] {
  return gunzipSync(archive).toString('utf8').trimEnd().split('\n')
}

/** An archive of such lines, by another gzip than millrace's. */
export function archiveOfLines(lines: readonly string[]): Buffer {
  return gzipSync(`${lines.join('\n')}\n`)
}
