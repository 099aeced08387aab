import { and, desc, eq, exists, lt, sql } from 'drizzle-orm'
import {
  type Caller,
  callerInput,
  type CallerInput,
  done,
  includes,
  isAnchor,
  isCaller,
  isShareOfCaller,
  type Outcome,
  type Permission,
  permissionFields,
  refused,
  standingFields,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import type { WorkflowVersionRow } from '../../schema/rows.ts'
import { defineQuery, defineShapedQuery } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { accessOf } from './workflows.ts'

export type VersionView = Omit<WorkflowVersionRow, 'workflowId'>
export type VersionSummary = Omit<VersionView, 'definition'>

export interface VersionListing {
  readonly limit: number
  /** The page begins below this number. */
  readonly below?: number | undefined
}

/** A page of a workflow's versions, newest first, and one row more where there are more. */
export async function listVersions(
  store: Store,
  caller: Caller,
  workflowId: string,
  listing: VersionListing,
): Promise<Outcome<readonly VersionSummary[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, workflowId, listing))
  const access = accessOf(caller, rows[0], 'view')
  if (!access.ok) return access
  return done(
    rows.filter(isWholeSummary).map(({ versionId, versionNumber, changeNotes, createdBy, createdAt }) => ({
      id: versionId,
      versionNumber,
      changeNotes,
      createdBy,
      createdAt,
    })),
  )
}

function isWholeSummary<Row extends { readonly versionId: string | null }>(
  row: Row,
): row is Row & Omit<VersionSummary, 'id'> & { readonly versionId: string } {
  return row.versionId !== null
}

interface VersionListValues extends CallerInput {
  readonly workflowId: string
  /** 0 where the page begins at the newest. */
  readonly below: number
  readonly rows: number
}

function listQuery(dialect: Dialect, caller: Caller, workflowId: string, { limit, below = 0 }: VersionListing) {
  const values = { ...callerInput(caller), workflowId, below, rows: limit + 1 }
  return pageQuery(dialect, { isFirst: below === 0 }, values)
}

const pageQuery = defineShapedQuery<{ readonly isFirst: boolean }, VersionListValues>()((
  dialect,
  bind,
  { isFirst },
) => {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares, workflowVersions } = tables
  const page = builder
    .select({
      versionId: workflowVersions.id,
      versionNumber: workflowVersions.versionNumber,
      changeNotes: workflowVersions.changeNotes,
      createdBy: workflowVersions.createdBy,
      createdAt: workflowVersions.createdAt,
    })
    .from(workflowVersions)
    .where(
      and(
        eq(workflowVersions.workflowId, bind('workflowId', workflowVersions.workflowId)),
        isFirst ? undefined : lt(workflowVersions.versionNumber, bind('below', workflowVersions.versionNumber)),
      ),
    )
    .orderBy(desc(workflowVersions.versionNumber))
    .limit(sql.placeholder('rows'))
    .as('page')
  return builder
    .select({
      ...standingFields(dialect),
      id: workflows.id,
      ...permissionFields(dialect),
      versionId: page.versionId,
      versionNumber: page.versionNumber,
      changeNotes: page.changeNotes,
      createdBy: page.createdBy,
      createdAt: page.createdAt,
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('workflowId', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .leftJoin(page, sql`1 = 1`)
    .where(isAnchor(dialect))
    .orderBy(desc(page.versionNumber))
})

const versionQuery = defineQuery<{ workflowId: string; versionNumber: number } & CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares, workflowVersions } = tables
  return builder
    .select({
      ...standingFields(dialect),
      id: workflows.id,
      ...permissionFields(dialect),
      versionId: workflowVersions.id,
      versionNumber: workflowVersions.versionNumber,
      definition: workflowVersions.definition,
      changeNotes: workflowVersions.changeNotes,
      createdBy: workflowVersions.createdBy,
      createdAt: workflowVersions.createdAt,
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('workflowId', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .leftJoin(
      workflowVersions,
      and(
        eq(workflowVersions.workflowId, workflows.id),
        eq(workflowVersions.versionNumber, bind('versionNumber', workflowVersions.versionNumber)),
      ),
    )
    .where(isAnchor(dialect))
})

/** One version with its definition. */
export async function getVersion(
  store: Store,
  caller: Caller,
  workflowId: string,
  versionNumber: number,
): Promise<Outcome<VersionView>> {
  const query = versionQuery(store.dialect, { workflowId, versionNumber, ...callerInput(caller) })
  const [row] = await store.read(query)
  const access = accessOf(caller, row, 'view')
  if (!access.ok) return access
  if (row === undefined || !isWholeVersion(row)) return refused('not_found')
  return done({
    id: row.versionId,
    versionNumber: row.versionNumber,
    definition: row.definition,
    changeNotes: row.changeNotes,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
  })
}

function isWholeVersion<Row extends { readonly versionId: string | null }>(
  row: Row,
): row is Row & Omit<VersionView, 'id'> & { readonly versionId: string } {
  return row.versionId !== null
}

export interface VersionPair {
  readonly from: number
  readonly to: number
}

const pairQuery = defineQuery<{ workflowId: string } & VersionPair & CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  const from = definitionOf('from')
  const to = definitionOf('to')
  return builder
    .select({
      ...standingFields(dialect),
      id: workflows.id,
      ...permissionFields(dialect),
      from: from.definition,
      to: to.definition,
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('workflowId', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .leftJoin(from, eq(from.workflowId, workflows.id))
    .leftJoin(to, eq(to.workflowId, workflows.id))
    .where(isAnchor(dialect))

  function definitionOf(name: 'from' | 'to') {
    const { workflowVersions } = tables
    return builder
      .select({ workflowId: workflowVersions.workflowId, definition: workflowVersions.definition })
      .from(workflowVersions)
      .where(
        and(
          eq(workflowVersions.workflowId, bind('workflowId', workflowVersions.workflowId)),
          eq(workflowVersions.versionNumber, bind(name, workflowVersions.versionNumber)),
        ),
      )
      .as(`${name}_version`)
  }
})

/** The definitions of two versions of a workflow, in one trip. */
export async function getVersionPair(
  store: Store,
  caller: Caller,
  workflowId: string,
  pair: VersionPair,
): Promise<Outcome<{ readonly from: DocumentText; readonly to: DocumentText }>> {
  const [row] = await store.read(pairQuery(store.dialect, { workflowId, ...pair, ...callerInput(caller) }))
  const access = accessOf(caller, row, 'view')
  if (!access.ok) return access
  if (row === undefined || row.from === null || row.to === null) return refused('not_found')
  return done({ from: row.from, to: row.to })
}

const presenceQuery = defineQuery<{ workflowId: string } & VersionPair & CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  return builder
    .select({
      ...standingFields(dialect),
      id: workflows.id,
      ...permissionFields(dialect),
      hasBoth: sql<number>`case when ${isThere('from')} and ${isThere('to')} then 1 else 0 end`.mapWith(Number),
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('workflowId', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .where(isAnchor(dialect))

  function isThere(name: 'from' | 'to') {
    const { workflowVersions } = tables
    return exists(
      builder
        .select({ one: sql`1` })
        .from(workflowVersions)
        .where(
          and(
            eq(workflowVersions.workflowId, bind('workflowId', workflowVersions.workflowId)),
            eq(workflowVersions.versionNumber, bind(name, workflowVersions.versionNumber)),
          ),
        ),
    )
  }
})

/** Whether versions of a workflow are there, then the permission: for refusals that rank before a request's own faults. */
export async function checkVersions(
  store: Store,
  caller: Caller,
  workflowId: string,
  pair: VersionPair,
  needed: Permission,
): Promise<Outcome<Permission>> {
  const [row] = await store.read(presenceQuery(store.dialect, { workflowId, ...pair, ...callerInput(caller) }))
  const access = accessOf(caller, row, 'view')
  if (!access.ok) return access
  if (row?.hasBoth !== 1) return refused('not_found')
  return includes(access.value, needed) ? access : refused('forbidden')
}
