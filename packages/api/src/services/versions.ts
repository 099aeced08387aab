import type { Permission } from '@millrace/db/access/access'
import * as restorations from '@millrace/db/repositories/workflows/versions-restore'
import type { WorkflowView } from '@millrace/db/repositories/workflows/workflows'
import * as versions from '@millrace/db/repositories/workflows/versions'
import type { VersionPair, VersionSummary, VersionView } from '@millrace/db/repositories/workflows/versions'
import type { CursorScope } from '../cursor.ts'
import { greatestCount } from '../fields.ts'
import { newId } from '../ids.ts'
import type { IfRevision } from './if-revision.ts'
import { done, refusedBy, type Refused, type Result } from '../result.ts'
import type { Context, UserContext } from './context.ts'
import { type Idempotent, type OrReplay } from './idempotency.ts'
import { pageOf, startOf, type Page, type PageQuery } from './paging.ts'
import { checkPermission } from './standing.ts'

export interface VersionsQuery extends PageQuery {
  readonly workflowId: string
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
  if (!outcome.ok) return outcome
  return done(pageOf(cursors, outcome.value, limit, (version) => [version.versionNumber]))
}

function readPosition([versionNumber, ...more]: readonly unknown[]): number | undefined {
  if (typeof versionNumber !== 'number' || !Number.isInteger(versionNumber) || more.length > 0) return undefined
  return versionNumber >= 1 && versionNumber <= greatestCount ? versionNumber : undefined
}

export function getVersion(
  { store, caller }: Context,
  workflowId: string,
  versionNumber: number,
): Promise<Result<VersionView>> {
  return versions.getVersion(store, caller, workflowId, versionNumber)
}

export interface Restoring {
  readonly workflowId: string
  readonly versionNumber: number
  readonly changeNotes: string | null
  readonly ifRevision: IfRevision
}

/** Makes an old version's definition the next version. */
export function restoreVersion(
  { store, caller, clock }: UserContext,
  { workflowId, ...restoring }: Restoring,
  key: Idempotent<WorkflowView> | undefined,
): Promise<OrReplay<WorkflowView>> {
  const at = clock()
  const restoration = { ...restoring, versionId: newId(at), operation: newId(at), at }
  const idempotent = key && { ...key, at }
  return restorations.restoreVersion(store, caller, workflowId, restoration, idempotent)
}

/** The JSON Patch that turns one version into another, as JSON text. */
export async function compareVersions(
  { store, caller }: Context,
  workflowId: string,
  pair: VersionPair,
): Promise<Result<VersionPair & { readonly patch: string }>> {
  const outcome = await versions.getVersionPair(store, caller, workflowId, pair)
  if (!outcome.ok) return outcome
  // Loaded by the one route that compares (docs/adr/0035).
  const { differenceOf } = await import('@millrace/db/document/difference')
  return done({ ...pair, patch: differenceOf(outcome.value.from, outcome.value.to) })
}

/** Why the caller may not do something to a version, or to a pair of them; undefined when it may. */
export async function checkVersions(
  { store, caller }: Context,
  workflowId: string,
  pair: VersionPair,
  need: Permission,
): Promise<Refused | undefined> {
  return refusedBy(await versions.checkVersions(store, caller, workflowId, pair, need))
}
