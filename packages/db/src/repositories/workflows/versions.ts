import { and, eq, lt, sql } from 'drizzle-orm'
import {
  type Caller,
  callerInput,
  type CallerInput,
  done,
  includes,
  isCaller,
  type Outcome,
  type Permission,
  refused,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import type { WorkflowVersionRow } from '../../schema/rows.ts'
import { defineQuery, defineShapedQuery, type Bind } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { accessOf } from './workflows.ts'
import { fromWorkflow, type Join } from '../../access/reads.ts'
import { type Cut, cutOf, bytesOf } from '../../sql/page-bytes.ts'
import { pick } from '../../sql/pick.ts'
import { sizedPage } from '../../access/pages.ts'
import { existsIn } from '../../sql/exists.ts'
import { isJoined } from '../../sql/joined.ts'

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
): Promise<Outcome<Cut<VersionSummary>>> {
  const found = await store.read(listQuery(store.dialect, caller, workflowId, listing))
  const access = accessOf(caller, found[0], 'view')
  if (!access.ok) return access
  const { rows, isCut } = cutOf(found)
  const summaries = rows
    .filter(isJoined<Omit<VersionSummary, 'id'> & { readonly versionId: string }>('versionId'))
    .map((row) => ({ id: row.versionId, ...pick(row, members) }))
  return done({ rows: summaries, isCut })
}

const members = ['versionNumber', 'changeNotes', 'createdBy', 'createdAt'] as const
const wholeMembers = [...members, 'definition'] as const

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
  const { workflows, workflowVersions: versions } = dialect.tables
  const { id, versionNumber } = versions
  const where = and(
    eq(versions.workflowId, bind('workflowId', versions.workflowId)),
    isFirst ? undefined : lt(versionNumber, bind('below', versionNumber)),
  )
  const { isTooMuch, joins } = sizedPage({
    rows: sql`select ${id} as id, ${versionNumber} as number, ${bytesOf(dialect, [versions.changeNotes])} as bytes from ${versions} where ${where} order by ${versionNumber} desc limit ${sql.placeholder('rows')}`,
    order: sql`sized.number desc`,
    table: versions,
    id,
  })
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    isWorkflow: eq(workflows.id, bind('workflowId', workflows.id)),
    fields: { id: workflows.id, versionId: id, ...pick(versions, members), isTooMuch },
    joins,
    orderBy: [sql`page.number desc`],
  })
})

/** The old version of a read of a workflow. */
export function joinVersion(
  { tables: { workflows, workflowVersions } }: Dialect,
  bind: Bind<{ readonly versionNumber: number }>,
): Join {
  const isThat = eq(workflowVersions.versionNumber, bind('versionNumber', workflowVersions.versionNumber))
  return [workflowVersions, and(eq(workflowVersions.workflowId, workflows.id), isThat)]
}

const versionQuery = defineQuery<{ workflowId: string; versionNumber: number } & CallerInput>()((dialect, bind) => {
  const { workflows, workflowVersions } = dialect.tables
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    isWorkflow: eq(workflows.id, bind('workflowId', workflows.id)),
    fields: {
      id: workflows.id,
      versionId: workflowVersions.id,
      ...pick(workflowVersions, wholeMembers),
    },
    joins: [joinVersion(dialect, bind)],
  })
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
  if (!isWhole(row)) return refused('not_found')
  return done({ id: row.versionId, ...pick(row, wholeMembers) })
}

const isWhole = isJoined<Omit<VersionView, 'id'> & { readonly versionId: string }>('versionId')

export interface VersionPair {
  readonly from: number
  readonly to: number
}

const pairQuery = defineQuery<{ workflowId: string } & VersionPair & CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { workflows } = tables
  const from = definitionOf('from')
  const to = definitionOf('to')
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    isWorkflow: eq(workflows.id, bind('workflowId', workflows.id)),
    fields: { id: workflows.id, from: from.definition, to: to.definition },
    joins: [
      [from, eq(from.workflowId, workflows.id)],
      [to, eq(to.workflowId, workflows.id)],
    ],
  })

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

/** The definitions of two versions of a workflow, in one round trip. */
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
  const { workflows } = tables
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    isWorkflow: eq(workflows.id, bind('workflowId', workflows.id)),
    fields: {
      id: workflows.id,
      hasBoth: sql<number>`case when ${isThere('from')} and ${isThere('to')} then 1 else 0 end`.mapWith(Number),
    },
  })

  function isThere(name: 'from' | 'to') {
    const { workflowVersions } = tables
    return existsIn(
      { builder },
      workflowVersions,
      eq(workflowVersions.workflowId, bind('workflowId', workflowVersions.workflowId)),
      eq(workflowVersions.versionNumber, bind(name, workflowVersions.versionNumber)),
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
