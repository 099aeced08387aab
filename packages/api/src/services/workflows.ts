import type { DocumentText } from '@millrace/db/document'
import { nameKey } from '@millrace/db/schema/names'
import * as creation from '@millrace/db/repositories/workflows/create'
import * as listing from '@millrace/db/repositories/workflows/list'
import * as patches from '@millrace/db/repositories/workflows/patch'
import * as removal from '@millrace/db/repositories/workflows/remove'
import * as transfers from '@millrace/db/repositories/workflows/transfer'
import * as workflows from '@millrace/db/repositories/workflows/workflows'
import type { WorkflowSummary, WorkflowView } from '@millrace/db/repositories/workflows/workflows'
import type { CursorScope } from '../cursor.ts'
import { newId, newIds } from '../ids.ts'
import type { IfRevision } from './if-revision.ts'
import { done, refuse, type Result } from '../result.ts'
import type { Context, UserContext } from './context.ts'
import { type Idempotent, type OrReplay } from './idempotency.ts'
import { tooMany } from './limits.ts'
import { pageOf, readKeyset, startOf, type Page, type PageQuery } from './paging.ts'
import { checkCaller } from './standing.ts'

export interface NewWorkflow {
  readonly name: string
  readonly description?: string | null | undefined
  readonly definition: DocumentText
  readonly isPublic?: boolean | undefined
}

/** At least one. */
export type WorkflowViews = readonly [WorkflowView, ...WorkflowView[]]

/** Creates workflows, all or none; each is then its version 1 and belongs to the caller. */
export async function createWorkflows(
  { store, caller, clock }: UserContext,
  [first, ...others]: readonly [NewWorkflow, ...NewWorkflow[]],
  key: Idempotent<WorkflowViews> | undefined,
): Promise<OrReplay<WorkflowViews>> {
  const { userId } = caller
  const createdAt = clock()
  const ids = newIds(createdAt, others.length + 1)
  const viewAt = (input: NewWorkflow, index: number) =>
    newView(input, ids[index] ?? newId(createdAt), userId, createdAt)
  const views: WorkflowViews = [viewAt(first, 0), ...others.map((input, index) => viewAt(input, index + 1))]
  const [head, ...tail] = views
  const withVersion = (view: WorkflowView) => ({ ...view, versionId: newId(createdAt) })
  const idempotent = key && { ...key, answer: key.answerFor(views), at: createdAt }
  const items = [withVersion(head), ...tail.map(withVersion)] as const
  const outcome = await creation.createWorkflows(store, caller, items, idempotent)
  if (outcome.ok) return done(views)
  return outcome
}

function newView(input: NewWorkflow, id: string, ownerId: string, createdAt: Date): WorkflowView {
  return {
    id,
    name: input.name,
    description: input.description ?? null,
    definition: input.definition,
    ownerId,
    isPublic: input.isPublic ?? false,
    versionNumber: 1,
    revision: 1,
    permission: 'owner',
    createdAt,
    updatedAt: createdAt,
  }
}

export function getWorkflow({ store, caller }: Context, id: string): Promise<Result<WorkflowView>> {
  return workflows.getWorkflow(store, caller, id)
}

export interface WorkflowsQuery extends PageQuery {
  readonly scope: 'owned' | 'shared' | 'public' | 'all'
  readonly q?: string | undefined
  readonly updatedSince?: Date | undefined
  readonly sort: 'createdAt' | 'updatedAt'
}

/** A page of what the caller may see, newest first by `sort` and id. */
export async function listWorkflows(context: Context, query: WorkflowsQuery): Promise<Result<Page<WorkflowSummary>>> {
  const { store, caller } = context
  const { cursor, limit, ...filters } = query
  const cursors = cursorScope(context, filters)
  const start = await startOf(cursors, cursor, readKeyset, () => checkCaller(context))
  if (!start.ok) return start
  const { scope, q, updatedSince, sort } = filters
  const wanted = { scope, q, updatedSince, order: sort, limit, after: start.value }
  const outcome = await listing.listWorkflows(store, caller, wanted)
  if (!outcome.ok) return outcome
  return done(pageOf(cursors, outcome.value, limit, (item) => [item[query.sort].getTime(), item.id]))
}

function cursorScope({ caller }: Context, filters: Omit<WorkflowsQuery, 'limit' | 'cursor'>): CursorScope {
  return {
    list: 'workflows',
    filters: { ...filters, updatedSince: filters.updatedSince?.toISOString() },
    userId: caller.kind === 'anonymous' ? undefined : caller.userId,
  }
}

/** Undefined and absent are the same: that member stays as it is. */
export type WorkflowChange = {
  readonly [Name in keyof patches.WorkflowChange]: patches.WorkflowChange[Name] | undefined
}

/** Changes a workflow that still has one of the revisions; a definition whose text differs makes the next version. */
export function updateWorkflow(
  { store, caller, clock }: UserContext,
  id: string,
  change: WorkflowChange,
  ifRevision: IfRevision,
): Promise<Result<WorkflowView>> {
  const at = clock()
  const patch = { ifRevision, change: changeOf(change), versionId: newId(at), operation: newId(at), at }
  return patches.patchWorkflow(store, caller, id, patch)
}

export function removeWorkflow(
  { store, caller, clock }: UserContext,
  id: string,
  ifRevision: IfRevision,
): Promise<Result<void>> {
  const at = clock()
  return removal.deleteWorkflow(store, caller, id, ifRevision, { operation: newId(at), at })
}

/** Gives a workflow to another user; the old owner keeps `edit`. */
export async function transferWorkflow(
  { store, caller, origin, clock, settings }: UserContext,
  id: string,
  { username, ifRevision }: { readonly username: string; readonly ifRevision: IfRevision },
): Promise<Result<WorkflowView>> {
  const at = clock()
  const counted = { kind: 'lookup', nameKey: caller.userId, network: origin.network } as const
  const lookup = { id: newId(at), ...counted, rates: settings.rateLimits, at }
  const transfer = { usernameKey: nameKey(username), ifRevision, lookup, shareId: newId(at), operation: newId(at), at }
  const outcome = await transfers.transferWorkflow(store, caller, id, transfer)
  if (outcome.ok) return outcome
  if (outcome.refusal === 'rate_limited') return tooMany(outcome)
  const { refusal } = outcome
  if (refusal !== 'unknown_user' && refusal !== 'own_user') return refuse(refusal)
  const message = refusal === 'unknown_user' ? 'is not a user' : 'owns it already'
  return refuse('validation_failed', { errors: [{ pointer: '/username', message }] })
}

function changeOf({ name, description, definition, isPublic, changeNotes }: WorkflowChange): patches.WorkflowChange {
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(definition === undefined ? {} : { definition }),
    ...(isPublic === undefined ? {} : { isPublic }),
    ...(changeNotes === undefined ? {} : { changeNotes }),
  }
}
