import type { Database } from '../store/database.ts'
import { damaged } from './archive-error.ts'
import type { TableDigests } from './digest.ts'
import { loadRows, type LoadOptions } from './load.ts'
import type { ArchiveReading, WholeArchive } from './read.ts'
import type { RowPage, RowPages } from './row.ts'

export interface RestoreOptions extends LoadOptions {
  /** SHA-256 that the content had when it was verified; undefined where it can be read but once. */
  readonly verifiedSha256: string | undefined
}

/**
 * Loads an archive into a migrated, empty database, with the proof.
 * @throws ArchiveError when the archive is not whole, or not the one that was verified; and as loadRows does
 */
export async function restoreArchive(
  database: Database,
  reading: ArchiveReading,
  options: RestoreOptions,
): Promise<TableDigests> {
  const read: { archive: WholeArchive | undefined } = { archive: undefined }
  const pages = keepingEnd(reading.pages, (archive) => {
    if (options.verifiedSha256 !== undefined && archive.contentSha256 !== options.verifiedSha256) {
      throw damaged(1, 'the file is another than the one that was verified: it was changed meanwhile')
    }
    read.archive = archive
  })
  const tables = () => {
    if (read.archive === undefined) throw new TypeError('the archive must be read to its end first')
    return read.archive.loadedTables
  }
  return loadRows(database, pages, tables, options)
}

async function* keepingEnd(
  pages: AsyncGenerator<RowPage, WholeArchive>,
  onEnd: (archive: WholeArchive) => void,
): RowPages & AsyncGenerator<RowPage, void> {
  onEnd(yield* pages)
}
