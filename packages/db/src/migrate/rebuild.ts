import { DatabaseError } from '../sql/errors.ts'
import type { Rebuilding } from '../sql/migration.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'
import { MigrationError } from './error.ts'

/** Whether a batch makes a table anew in a way that the dialect allows only while foreign keys are not checked. */
export function isRebuild({ dialect }: Transport, batch: readonly Statement[]): boolean {
  const { rebuilding } = dialect.migration
  return rebuilding !== undefined && batch.some(({ text }) => rebuilding.isRebuild(text))
}

/**
 * Runs such a batch, and commits it only where every reference has its row at the end.
 * @throws MigrationError `dangling_references`; nothing of the batch is done then.
 */
export async function transactRebuild(transport: Transport, batch: readonly Statement[]): Promise<void> {
  const { rebuilding } = transport.dialect.migration
  if (rebuilding === undefined || transport.transactUnchecked === undefined) {
    throw new TypeError('This driver cannot switch off foreign keys while a table is rebuilt.')
  }
  const dangling = await danglingAfter(() => transport.transactUnchecked?.([...batch, rebuilding.check]), rebuilding)
  if (dangling === undefined) return
  const before = await danglingAfter(() => transport.run(rebuilding.check), rebuilding)
  throw danglingError(dangling, { areThereNow: before !== undefined })
}

/** Which references the check found to dangle; undefined where it found none. */
async function danglingAfter(
  check: () => Promise<unknown> | undefined,
  rebuilding: Rebuilding,
): Promise<string | undefined> {
  try {
    await check()
    return undefined
  } catch (thrown) {
    const dangling = thrown instanceof DatabaseError ? rebuilding.danglingIn(thrown) : undefined
    if (dangling === undefined) throw thrown
    return dangling
  }
}

function danglingError(dangling: string, { areThereNow }: { readonly areThereNow: boolean }): MigrationError {
  return new MigrationError('dangling_references', {
    what: 'The migration was not applied, and nothing was changed: rows would refer to rows that are not there.',
    why: `At its end these rows have lost what they refer to: ${dangling}.`,
    fix: areThereNow
      ? 'The database already had such rows: `PRAGMA foreign_key_check` lists them. Correct or delete them, then run `millrace migrate` again.'
      : 'The database as it is has no such rows, so the migration itself is at fault: report it, and stay with the version before it.',
  })
}
