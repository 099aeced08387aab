import * as versions from '@millrace/db/repositories/versions'
import type { VersionSummary, VersionView } from '@millrace/db/repositories/versions'
import type { CursorScope } from '../cursor.ts'
import { done, refuse, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { pageOf, startOf, type Page } from './paging.ts'
import { checkPermission } from './standing.ts'

export interface VersionsQuery {
  readonly workflowId: string
  readonly limit: number
  readonly cursor?: string | undefined
}

/** A page of a workflow's versions, newest first. */
export async function listVersions(context: Context, query: VersionsQuery): Promise<Result<Page<VersionSummary>>> {
  const { store, caller } = context
  const { workflowId, cursor, limit } = query
  const cursors: CursorScope = {
    list: 'versions',
    filters: { workflowId },
    userId: caller.kind === 'anonymous' ? undefined : caller.userId,
  }
  const start = await startOf(cursors, cursor, readPosition, () => checkPermission(context, workflowId, 'view'))
  if (!start.ok) return start
  const outcome = await versions.listVersions(store, caller, workflowId, { limit, below: start.value })
  if (!outcome.ok) return refuse(outcome.refusal)
  return done(await pageOf(cursors, outcome.value, limit, (version) => [version.versionNumber]))
}

function readPosition([versionNumber, ...more]: readonly unknown[]): number | undefined {
  return Number.isSafeInteger(versionNumber) && more.length === 0 ? Number(versionNumber) : undefined
}

export async function getVersion(
  { store, caller }: Context,
  workflowId: string,
  versionNumber: number,
): Promise<Result<VersionView>> {
  const outcome = await versions.getVersion(store, caller, workflowId, versionNumber)
  return outcome.ok ? outcome : refuse(outcome.refusal)
}
