import type { DocumentText } from '@millrace/db/document'
import type { Kept, StoredAnswer } from '@millrace/db/repositories/idempotency'
import * as workflows from '@millrace/db/repositories/workflows'
import type { WorkflowSummary, WorkflowView } from '@millrace/db/repositories/workflows'
import type { CursorScope } from '../cursor.ts'
import { newId } from '../ids.ts'
import type { IdempotencyKey } from '../request/idempotency.ts'
import type { IfRevision } from '../request/preconditions.ts'
import { done, refuse, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { isKept } from './kept.ts'
import { pageOf, readKeyset, startOf, type Page } from './paging.ts'
import { checkCaller } from './standing.ts'

export interface NewWorkflow {
  readonly name: string
  readonly description?: string | null | undefined
  readonly definition: DocumentText
  readonly isPublic?: boolean | undefined
}

/** Under a key the answer is kept in the same batch that creates, so it is told before there is anything. */
export interface Keeping {
  readonly key: IdempotencyKey
  readonly answerFor: (workflow: WorkflowView) => StoredAnswer
}

export type Created = Result<WorkflowView> | { readonly ok: false; readonly kept: Kept }

/** Creates a workflow, which is then its version 1 and belongs to the caller. */
export async function createWorkflow(
  { store, caller, clock }: Context,
  input: NewWorkflow,
  keeping: Keeping | undefined,
): Promise<Created> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  const createdAt = clock()
  const workflow: WorkflowView = {
    id: newId(createdAt),
    name: input.name,
    description: input.description ?? null,
    definition: input.definition,
    ownerId: caller.userId,
    isPublic: input.isPublic ?? false,
    versionNumber: 1,
    revision: 1,
    permission: 'owner',
    createdAt,
    updatedAt: createdAt,
  }
  const idempotent = keeping && { ...keeping.key, answer: keeping.answerFor(workflow), at: createdAt }
  const item = { ...workflow, versionId: newId(createdAt) }
  const outcome = await workflows.createWorkflows(store, caller, [item], idempotent)
  if (outcome.ok) return done(workflow)
  return isKept(outcome) ? { ok: false, kept: outcome } : refuse(outcome.refusal)
}

export async function getWorkflow({ store, caller }: Context, id: string): Promise<Result<WorkflowView>> {
  const outcome = await workflows.getWorkflow(store, caller, id)
  return outcome.ok ? outcome : refuse(outcome.refusal)
}

export interface WorkflowsQuery {
  readonly scope: 'owned' | 'shared' | 'public' | 'all'
  readonly q?: string | undefined
  readonly updatedSince?: Date | undefined
  readonly sort: 'createdAt' | 'updatedAt'
  readonly limit: number
  readonly cursor?: string | undefined
}

/** A page of what the caller may see, newest first by `sort` and id. */
export async function listWorkflows(context: Context, query: WorkflowsQuery): Promise<Result<Page<WorkflowSummary>>> {
  const { store, caller } = context
  const { cursor, limit, ...filters } = query
  const cursors = cursorScope(context, filters)
  const start = await startOf(cursors, cursor, readKeyset, () => checkCaller(context))
  if (!start.ok) return start
  const { scope, q, updatedSince, sort } = filters
  const listing = { scope, q, updatedSince, order: sort, limit, after: start.value }
  const outcome = await workflows.listWorkflows(store, caller, listing)
  if (!outcome.ok) return refuse(outcome.refusal)
  return done(await pageOf(cursors, outcome.value, limit, (item) => [item[query.sort].getTime(), item.id]))
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
  readonly [Name in keyof workflows.WorkflowChange]: workflows.WorkflowChange[Name] | undefined
}

/** Changes a workflow that still has one of the revisions; a definition whose text differs makes the next version. */
export async function updateWorkflow(
  { store, caller, clock }: Context,
  id: string,
  change: WorkflowChange,
  ifRevision: IfRevision,
): Promise<Result<WorkflowView>> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  const at = clock()
  const patch = { ifRevision, change: changeOf(change), versionId: newId(at), operation: newId(at), at }
  const outcome = await workflows.patchWorkflow(store, caller, id, patch)
  return outcome.ok ? outcome : refuse(outcome.refusal)
}

export async function removeWorkflow(
  { store, caller }: Context,
  id: string,
  ifRevision: IfRevision,
): Promise<Result<void>> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  const outcome = await workflows.deleteWorkflow(store, caller, id, ifRevision)
  return outcome.ok ? outcome : refuse(outcome.refusal)
}

function changeOf({ name, description, definition, isPublic, changeNotes }: WorkflowChange): workflows.WorkflowChange {
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(definition === undefined ? {} : { definition }),
    ...(isPublic === undefined ? {} : { isPublic }),
    ...(changeNotes === undefined ? {} : { changeNotes }),
  }
}
