import { dumpDatabase } from '@millrace/db/archive/dump'
import { encrypterFor } from '@millrace/db/archive/encryption'
import type { WrittenResult } from '@millrace/db/archive/write'
import type { Database } from '@millrace/db/store/database'
import type { BackupUpload } from './bucket.ts'
import type { RunWatch } from './limits.ts'
import { PartSender } from './parts.ts'

export interface UploadOptions {
  readonly createdAt: Date
  readonly recipients: readonly string[]
  readonly partBytes: number
  readonly watch: RunWatch
  /** Throws where the run must not go on. */
  readonly ensureMayGoOn: () => void
}

/** Streams a snapshot of the database into an upload, and completes it. */
export async function uploadArchive(
  database: Database,
  upload: BackupUpload,
  { createdAt, recipients, partBytes, watch, ensureMayGoOn }: UploadOptions,
): Promise<WrittenResult> {
  const archive = await dumpDatabase(database, {
    consistency: 'snapshot',
    createdAt,
    encrypter: recipients.length === 0 ? undefined : encrypterFor(recipients),
    onTotal: (rows) => watch.checkRows(rows),
    onRows(_rows, characters) {
      watch.add(characters)
      ensureMayGoOn()
    },
  })
  const sender = new PartSender(upload, partBytes)
  try {
    for await (const chunk of archive.stream) await sender.write(chunk)
    ensureMayGoOn()
    await sender.complete()
    return archive.result()
  } finally {
    await archive.close()
  }
}
