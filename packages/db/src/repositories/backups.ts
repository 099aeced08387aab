import { eq } from 'drizzle-orm'
import type { BackupRow } from '../rows.ts'
import { buildStatement, defineQuery } from '../statement.ts'
import type { Store } from '../store.ts'

const namedQuery = defineQuery<{ name: string }>()(({ builder, tables: { backups } }, bind) =>
  builder
    .select({ name: backups.name })
    .from(backups)
    .where(eq(backups.name, bind('name', backups.name))),
)

const digestQuery = defineQuery<{ sha256: string }>()(({ builder, tables: { backups } }, bind) =>
  builder
    .select({ name: backups.name })
    .from(backups)
    .where(eq(backups.sha256, bind('sha256', backups.sha256))),
)

/** Records a backup that was taken. */
export async function recordBackup(store: Store, backup: BackupRow): Promise<void> {
  const { builder, tables } = store.dialect
  await store.write({
    writes: [buildStatement(builder.insert(tables.backups).values(backup))],
    applied: namedQuery(store.dialect, { name: backup.name }),
  })
}

/**
 * Records that an archive was restored for trial and found right: with the backup of that digest, or, when this database
 * knows none, as one of its own.
 */
export async function recordDrill(store: Store, backup: BackupRow & { readonly sha256: string }): Promise<void> {
  const { builder, tables } = store.dialect
  const { backups } = tables
  const known = await store.read(digestQuery(store.dialect, { sha256: backup.sha256 }))
  if (known.length === 0) {
    await recordBackup(store, backup)
    return
  }
  const { drilledAt, verifiedAt } = backup
  const update = builder.update(backups).set({ drilledAt, verifiedAt }).where(eq(backups.sha256, backup.sha256))
  await store.write({ writes: [buildStatement(update)] })
}
