import { findDrift, type Drift } from './drift.ts'
import { knownMigrations } from './known-migrations.ts'
import type { Transport } from './transport.ts'

/** What a check found, as `millrace doctor` and `/v1/admin/status` tell it. */
export interface Finding {
  readonly id: string
  readonly level: 'ok' | 'warn' | 'fail'
  readonly message: string
  /** The command or setting that mends it; empty where nothing needs mending. */
  readonly fix: string
  /** The statement that mends it, where one does. */
  readonly sql?: string
}

/** What of the code's schema the live database lacks or has otherwise: `schema.*` of the checklist. */
export async function schemaFindings(transport: Transport, applied: readonly string[]): Promise<readonly Finding[]> {
  const drift = await findDrift(transport)
  return [migrationsFinding(pendingMigrations(applied)), ...drift.map(findingOf)]
}

export function pendingMigrations(applied: readonly string[]): readonly string[] {
  const names = new Set(applied)
  return knownMigrations.filter((name) => !names.has(name))
}

function migrationsFinding(pending: readonly string[]): Finding {
  const id = 'schema.migrations'
  if (pending.length === 0) return { id, level: 'ok', message: 'Every migration is applied.', fix: '' }
  const message = `Migrations are missing: ${pending.join(', ')}.`
  return { id, level: 'fail', message, fix: 'Run `millrace migrate` against this DATABASE_URL.' }
}

function findingOf({ kind, message, sql }: Drift): Finding {
  const fix =
    sql === undefined
      ? 'No single statement mends it here: compare it with the migrations, and move the data with `millrace copy`.'
      : 'Run the statement of `sql`.'
  // Foreign keys are enforced by the batches too, and some servers refuse them.
  const level = kind === 'foreign_key' ? 'warn' : 'fail'
  return { id: `schema.${kind}`, level, message, fix, ...(sql === undefined ? {} : { sql }) }
}
