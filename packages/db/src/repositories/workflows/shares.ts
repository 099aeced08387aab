import { and, desc, eq, lt, lte, or, sql } from 'drizzle-orm'
import {
  done,
  isAnchor,
  isShareOfCaller,
  isThisCaller,
  permissionFields,
  standingFields,
  type Outcome,
  type UserCaller,
} from '../../access/access.ts'
import type { WorkflowShareRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { accessOf, type Keyset } from './workflows.ts'

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
    rows.filter(isWholeShare).map(({ shareId, sharedWithUserId, username, permission, sharedAt }) => ({
      id: shareId,
      sharedWithUserId,
      username,
      permission,
      createdAt: sharedAt,
    })),
  )
}

function isWholeShare<Row extends { readonly shareId: string | null }>(
  row: Row,
): row is Row & Omit<ShareView, 'id' | 'createdAt'> & { readonly shareId: string; readonly sharedAt: Date } {
  return row.shareId !== null
}

function listQuery(dialect: Dialect, caller: UserCaller, workflowId: string, { limit, after }: ShareListing) {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  const page = builder
    .select({
      shareId: workflowShares.id,
      sharedWithUserId: workflowShares.sharedWithUserId,
      username: users.username,
      permission: workflowShares.permission,
      sharedAt: workflowShares.createdAt,
    })
    .from(workflowShares)
    .innerJoin(users, eq(users.id, workflowShares.sharedWithUserId))
    .where(
      and(
        eq(workflowShares.workflowId, workflowId),
        after === undefined
          ? undefined
          : and(
              lte(workflowShares.createdAt, after.at),
              or(lt(workflowShares.createdAt, after.at), lt(workflowShares.id, after.id)),
            ),
      ),
    )
    .orderBy(desc(workflowShares.createdAt), desc(workflowShares.id))
    .limit(limit + 1)
    .as('page')
  const select = builder
    .select({
      ...standingFields(dialect),
      id: workflows.id,
      ...permissionFields(dialect),
      shareId: page.shareId,
      sharedWithUserId: page.sharedWithUserId,
      username: page.username,
      permission: page.permission,
      sharedAt: page.sharedAt,
    })
    .from(marks)
    .leftJoin(users, isThisCaller(dialect, caller))
    .leftJoin(workflows, eq(workflows.id, workflowId))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .leftJoin(page, sql`1 = 1`)
    .where(isAnchor(dialect))
    .orderBy(desc(page.sharedAt), desc(page.shareId))
  return buildQuery(select)
}
