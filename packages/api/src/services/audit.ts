import { listEvents as listRows, type RecordedEvent } from '@millrace/db/repositories/audit/list'
import type { AuditType } from '@millrace/db/schema/audit-types'
import type { CursorScope } from '../cursor.ts'
import { done, type Result } from '../result.ts'
import type { UserContext } from './context.ts'
import { pageOf, readKeyset, startOf, type Page, type PageQuery } from './paging.ts'
import { checkCaller } from './standing.ts'

export interface AuditQuery extends PageQuery {
  readonly type: readonly AuditType[]
  readonly actor?: string | undefined
  readonly subject?: string | undefined
  readonly workflowId?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

/** A page of the events that the caller may see, newest first. */
export async function listEvents(context: UserContext, query: AuditQuery): Promise<Result<Page<RecordedEvent>>> {
  const { store, caller } = context
  const { actor, subject, workflowId, since, until, limit } = query
  const types = [...new Set(query.type)].toSorted()
  const filters = {
    type: types.length === 0 ? undefined : types.join(),
    actor,
    subject,
    workflowId,
    since: since?.toISOString(),
    until: until?.toISOString(),
  }
  const cursors: CursorScope = { list: 'audit', filters, userId: caller.userId }
  const start = await startOf(cursors, query.cursor, readKeyset, () => checkCaller(context))
  if (!start.ok) return start
  const listing = { types, actorUserId: actor, subjectId: subject, workflowId, since, until, limit, after: start.value }
  const outcome = await listRows(store, caller, listing)
  if (!outcome.ok) return outcome
  return done(pageOf(cursors, outcome.value, limit, ({ at, id }) => [at.getTime(), id]))
}
