import type { BackupResult } from '@millrace/db/repositories/backups/requests'
import type { BackupRow } from '@millrace/db/schema/rows'

type Given = Pick<BackupRow, 'name' | 'createdAt'> & { readonly result: BackupResult } & Partial<BackupRow>

/** A backup of which no more is known than what is given. */
export function newBackupRow(given: Given): BackupRow {
  return {
    bytes: null,
    rowCount: null,
    sha256: null,
    isEncrypted: false,
    consistency: null,
    verifiedAt: null,
    drilledAt: null,
    ...given,
  }
}
