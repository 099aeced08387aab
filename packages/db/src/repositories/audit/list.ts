import { and, desc, eq, inArray, sql, type Column, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  isThisCaller,
  standingOf,
  type Outcome,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { DocumentText } from '../../document/index.ts'
import type { AuditActorKind, AuditSubject, AuditType } from '../../schema/audit-types.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery } from '../../sql/building.ts'
import type { Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { unionOf } from '../../access/pages.ts'
import { fromCaller } from '../../access/reads.ts'
import { isWithin, type NameColumn, type Span } from '../../sql/reaching.ts'

export interface AuditListing extends Span {
  /** Any of these; every one when empty. */
  readonly types: readonly AuditType[]
  /** The user who acted. */
  readonly actorUserId?: string | undefined
  readonly subjectId?: string | undefined
  readonly workflowId?: string | undefined
  readonly limit: number
}

export interface RecordedEvent {
  readonly id: string
  readonly at: Date
  readonly type: AuditType
  readonly actorKind: AuditActorKind
  readonly actorUserId: string | null
  readonly actorId: string | null
  readonly subjectType: AuditSubject
  readonly subjectId: string | null
  readonly workflowId: string | null
  readonly data: DocumentText
  readonly network: string | null
  readonly requestId: string | null
}

/**
 * A page of events, newest first, and one row more where there are more: what the caller did and what was done to what
 * they owned at that moment; all of them for an administrator.
 */
export async function listEvents(
  store: Store,
  caller: UserCaller,
  listing: AuditListing,
): Promise<Outcome<readonly RecordedEvent[]>> {
  const rows = await store.read(eventsQuery(store.dialect, caller, listing))
  const standing = standingOf(caller, rows[0])
  if (!standing.ok) return standing
  return done(rows.flatMap((row) => eventOf(row)))
}

type ListRow = StandingRow & { readonly [Name in keyof RecordedEvent]: RecordedEvent[Name] | null }

/** The query of a list, for its plan. */
export function eventsQuery(dialect: Dialect, caller: UserCaller, listing: AuditListing): Query<ListRow> {
  const { audit } = dialect.tables
  const { id, at, type, actorKind, actorUserId, actorId, subjectType, subjectId, workflowId, data } = audit
  const { network, requestId } = audit
  const fields = { id, at, type, actorKind, actorUserId, actorId, subjectType, subjectId, workflowId, data }
  return buildQuery(
    fromCaller(dialect, isThisCaller(dialect, caller), {
      fields: { ...fields, network, requestId },
      joins: [
        [sql`(${pageOf(dialect, caller, listing)}) page`, sql`1 = 1`],
        [audit, sql`${audit.id} = page.id`],
      ],
      orderBy: [desc(audit.at), desc(audit.id)],
      limit: listing.limit + 1,
    }),
  )
}

/** Ids of a page: each part is served by one index and cut to a page; what is in both, `union` keeps once. */
function pageOf(dialect: Dialect, caller: UserCaller, listing: AuditListing): SQL {
  const { actorUserId, ownerId } = dialect.tables.audit
  return unionOf([
    partOf(dialect, caller, listing, actorUserId),
    partOf(dialect, caller, listing, ownerId),
    ...(caller.mayAdminister ? [everyonesPart(dialect, caller, listing)] : []),
  ])
}

/** @param column What leads to the caller's */
function partOf(dialect: Dialect, { userId }: UserCaller, listing: AuditListing, column: Column): SQL {
  const { audit } = dialect.tables
  const { types, actorUserId, subjectId, workflowId } = listing
  const { table, fields, order, limit } = pagePart(dialect, listing)
  const isOfOne = [actorUserId, subjectId, workflowId].some((id) => id !== undefined)
  // What a subject or a workflow has is looked for by an index of its own.
  if (isOfOne)
    return sql`select ${fields} from ${table} where ${all(eq(column, userId), filters(dialect, listing))} order by ${order} limit ${sql.raw(String(limit))}`
  const where = types.length === 0 ? undefined : (named: NameColumn) => inArray(sql`${named(audit.type)}`, [...types])
  return dialect.reach.along({ table, fields, column, value: sql`${userId}`, span: listing, where, limit })
}

function everyonesPart(dialect: Dialect, caller: UserCaller, listing: AuditListing): SQL {
  const { users } = dialect.tables
  return dialect.reach.behind({
    ...pagePart(dialect, listing),
    gates: [users],
    gateWhere: all(eq(users.id, caller.userId), eq(users.role, 'admin')),
    where: all(sql`1 = 1`, filters(dialect, listing)),
  })
}

function pagePart({ tables: { audit } }: Dialect, { limit }: AuditListing) {
  return {
    table: audit,
    fields: sql`${audit.id} as id, ${audit.at} as at`,
    order: sql`${audit.at} desc, ${audit.id} desc`,
    limit: limit + 1,
  }
}

function filters(dialect: Dialect, listing: AuditListing): SQL | undefined {
  const { audit } = dialect.tables
  const { types, actorUserId, subjectId, workflowId } = listing
  return and(
    types.length === 0 ? undefined : inArray(audit.type, [...types]),
    actorUserId === undefined ? undefined : eq(audit.actorUserId, actorUserId),
    subjectId === undefined ? undefined : isSubject(dialect, subjectId),
    workflowId === undefined ? undefined : eq(audit.workflowId, workflowId),
    isWithin(audit, listing),
  )
}

/** No subject's id ends in a space, which MySQL would leave out of the comparison. */
function isSubject({ tables: { audit } }: Dialect, id: string): SQL {
  return id.endsWith(' ') ? sql`1 = 0` : eq(audit.subjectId, id)
}

/** None where the row is only the caller's own: the list is empty. */
function eventOf(row: ListRow): readonly RecordedEvent[] {
  const { id, at, type, actorKind, subjectType, data } = row
  if (id === null || at === null || type === null) return []
  if (actorKind === null || subjectType === null || data === null) return []
  const { actorUserId, actorId, subjectId, workflowId, network, requestId } = row
  const known = { actorUserId, actorId, subjectId, workflowId, network, requestId }
  return [{ id, at, type, actorKind, subjectType, data, ...known }]
}
