import { and, eq } from 'drizzle-orm'
import { done, isThisCaller, type Outcome, type UserCaller } from '../../access/access.ts'
import type { WorkflowShareRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { accessOf } from './workflows.ts'
import { fromWorkflow } from '../../access/reads.ts'
import { pageOf } from '../../access/pages.ts'
import { isBehind, type Keyset } from '../../sql/keyset.ts'
import { isJoined } from '../../sql/joined.ts'

/** A share as the workflow's owner sees it. */
export type ShareView = Pick<WorkflowShareRow, 'id' | 'sharedWithUserId' | 'permission' | 'createdAt'> & {
  readonly username: string
}

export interface ShareListing {
  readonly limit: number
  readonly after?: Keyset | undefined
}

/** A page of a workflow's shares, newest first, and one row more where there are more. */
export async function listShares(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  listing: ShareListing,
): Promise<Outcome<readonly ShareView[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, workflowId, listing))
  const access = accessOf(caller, rows[0], 'owner')
  if (!access.ok) return access
  return done(
    rows
      .filter(isJoined<JoinedShare>('shareId'))
      .map(({ shareId, sharedWithUserId, username, permission, sharedAt }) => ({
        id: shareId,
        sharedWithUserId,
        username,
        permission,
        createdAt: sharedAt,
      })),
  )
}

/** A share beside its workflow, which has an `id` and a `createdAt` too. */
type JoinedShare = Omit<ShareView, 'id' | 'createdAt'> & { readonly shareId: string; readonly sharedAt: Date }

function listQuery(dialect: Dialect, caller: UserCaller, workflowId: string, { limit, after }: ShareListing) {
  const { users, workflows, workflowShares } = dialect.tables
  const { id, sharedWithUserId, permission, createdAt } = workflowShares
  const { fields, ...page } = pageOf(dialect, {
    table: workflowShares,
    innerJoin: [users, eq(users.id, sharedWithUserId)],
    fields: { shareId: id, sharedWithUserId, username: users.username, permission, sharedAt: createdAt },
    where: and(eq(workflowShares.workflowId, workflowId), isBehind({ at: createdAt, id }, after)),
    newest: [createdAt, id],
    limit,
  })
  return buildQuery(
    fromWorkflow(dialect, isThisCaller(dialect, caller), {
      isWorkflow: eq(workflows.id, workflowId),
      fields: { id: workflows.id, ...fields },
      ...page,
    }),
  )
}
