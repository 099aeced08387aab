import type { BackupView } from '@millrace/db/repositories/backups/backups'
import { membersOf } from '../members.ts'
import * as z from 'zod'
import { instant } from '../../fields.ts'

export const backupSchema = z
  .object({
    name: z.string(),
    bytes: z.int().nullable(),
    rows: z.int().nullable(),
    createdAt: instant,
    encrypted: z.boolean(),
    verifiedAt: instant.nullable(),
    drilledAt: instant.nullable(),
    result: z.string().meta({ description: '`ok`, or what came in between.' }),
  })
  .meta({ id: 'Backup' })

const members = membersOf(backupSchema)

export function backupJson(backup: BackupView) {
  return members({ ...backup, rows: backup.rowCount, encrypted: backup.isEncrypted })
}
