import { newId } from '@millrace/api/ids'
import { recordOperation, type DatabaseOperation } from '@millrace/db/repositories/audit/operations'
import type { Database } from '@millrace/db/store/database'
import type { Context } from './context.ts'
import { asFailure } from './failure.ts'

/** Leaves an audit event of what is done already: that it can't be left is told, and no failure. */
export async function noteOperation(
  { output }: Context,
  database: Database,
  operation: Pick<DatabaseOperation, 'type' | 'command' | 'data'>,
): Promise<void> {
  const at = new Date()
  try {
    await recordOperation(database.store(), { ...operation, eventId: newId(at), at })
  } catch (error) {
    const { words } = asFailure(error)
    output.note(`The audit trail could not record it: ${words.what} ${words.why}`)
  }
}
