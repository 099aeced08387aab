import type { BackupView } from '@millrace/db/repositories/backups/backups'
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

export function backupJson({
  name,
  bytes,
  rowCount,
  createdAt,
  isEncrypted,
  verifiedAt,
  drilledAt,
  result,
}: BackupView) {
  return { name, bytes, rows: rowCount, createdAt, encrypted: isEncrypted, verifiedAt, drilledAt, result }
}
