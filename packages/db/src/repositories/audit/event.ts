import { eq, is, SQL, sql } from 'drizzle-orm'
import type { AuditActorKind, AuditSubject, AuditType } from '../../schema/audit-types.ts'
import { checkDocument } from '../../document/index.ts'
import type { AuditRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildStatement, defineQuery, defineStatement } from '../../sql/building.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import { insertFrom, insertRow, insertWhere, places } from '../../store/insert-where.ts'
import { existsIn } from '../../sql/exists.ts'

/** A value that the caller knows, or SQL that finds it when the batch runs. */
export type Known = string | null | SQL

/** A member of an event's data. SQL is a number's; a text that only the database knows is a {@link textMember}. */
export type DataMember = string | number | boolean | null | readonly string[] | SQL

export interface AuditActor {
  readonly kind: AuditActorKind
  readonly userId: Known
  /** Of the API key, session or schedule that acted; the command's name. */
  readonly id: Known
}

/** Where a request came from, as events tell it. */
export interface EventOrigin {
  readonly requestId: string | null
  readonly network: string | null
}

/** What was done, by whom, to what. Names and numbers alone: never a document, a secret or a token. */
export interface AuditEvent {
  /** Made by the caller, once for all attempts: where the event is there, its batch was applied. */
  readonly id: string
  readonly at: Date
  readonly type: AuditType
  readonly actor: AuditActor
  readonly subject: { readonly type: AuditSubject; readonly id: Known }
  /** Of the workflow that the subject is, or belongs to. */
  readonly workflowId?: Known
  /** Who owned the subject at that moment, and so may read the event: of what belongs to a user, that user. */
  readonly ownerId?: Known
  readonly data?: Readonly<Record<string, DataMember>>
  readonly origin: EventOrigin
}

/** An event in a statement that is built once: with places in the place of values. */
export type EventTerms = Omit<AuditEvent, 'id' | 'at' | 'type' | 'origin' | 'data'> & {
  readonly id: string | SQL
  readonly at: Date | SQL
  readonly type: AuditType | SQL
  /** All of it as one text, where its members depend on the row. */
  readonly data?: NonNullable<AuditEvent['data']> | SQL
  readonly origin: { readonly requestId: Known; readonly network: Known }
}

/**
 * The event as an effect of the batch of what it tells of, behind the gate.
 * @param when Where the batch does it only sometimes: asks about rows that the batch holds.
 */
export function recordEvent(dialect: Dialect, event: AuditEvent, { when }: { readonly when?: SQL } = {}): Statement {
  if (when === undefined) return recordEvents(dialect, [event])
  return buildStatement(insertWhere(dialect, dialect.tables.audit, valuesOf(dialect, event), when))
}

/**
 * The event as the gate itself: `source` is what it tells of, as it is before, with the whole condition: `t where …`.
 * The event is then the mark by which the rest of the batch is known.
 */
export function insertEventFrom(dialect: Dialect, event: EventTerms, source: SQL) {
  return insertFrom(dialect, dialect.tables.audit, valuesOf(dialect, event), source)
}

/** The condition of what follows a gate that {@link insertEventFrom} made, in a batch that its gate does not end. */
export function isRecorded({ builder, tables: { audit } }: Dialect, id: string | SQL): SQL {
  return existsIn({ builder }, audit, eq(audit.id, id))
}

/** Several events in one statement. */
export function recordEvents(dialect: Dialect, events: readonly AuditEvent[]): Statement {
  const { builder, tables } = dialect
  const [only, ...others] = events
  const known = only === undefined || others.length > 0 ? undefined : knownRow(only)
  if (known !== undefined) return insertKnown(dialect, known)
  return buildStatement(builder.insert(tables.audit).values(events.map((event) => valuesOf(dialect, event))))
}

/** One event of which nothing is left for the database to find: the most frequent, so built once. */
const insertKnown = defineStatement<AuditRow>()((dialect, bind) => {
  const { audit } = dialect.tables
  return insertRow(dialect, audit, places(audit, bind))
})

/** The row of an event that is all known; undefined where the database has to find something of it. */
function knownRow(event: AuditEvent): AuditRow | undefined {
  const { id, at, type, actor, subject, workflowId = null, ownerId = null, data = {}, origin } = event
  const { userId: actorUserId, id: actorId } = actor
  if (isFound(actorUserId) || isFound(actorId) || isFound(subject.id) || isFound(workflowId) || isFound(ownerId)) {
    return undefined
  }
  if (Object.values(data).some(isFound)) return undefined
  const text = checkDocument(JSON.stringify(data))
  if (!text.ok) return undefined
  const ids = { id, actorUserId, actorId, subjectId: subject.id, workflowId, ownerId }
  const kinds = { type, actorKind: actor.kind, subjectType: subject.type }
  return { ...ids, ...kinds, ...origin, at, data: text.text }
}

/** Whether the database finds it when the batch runs. */
function isFound(value: DataMember): value is SQL {
  return is(value, SQL)
}

/** Gives a row where the batch that records this event was applied. */
export function eventQuery(dialect: Dialect, id: string): Query<unknown> {
  return eventById(dialect, { id })
}

const eventById = defineQuery<{ readonly id: string }>()(({ builder, tables: { audit } }, bind) =>
  builder
    .select({ id: audit.id })
    .from(audit)
    .where(eq(audit.id, bind('id', audit.id))),
)

/** A text that only the database knows, as a member of an event's data. */
export function textMember(dialect: Dialect, value: SQL): SQL {
  return dialect.jsonText(value)
}

/** Whose workflow it is when the batch runs. */
export function ownerOf({ builder, tables: { workflows } }: Dialect, workflowId: string): SQL {
  const owner = builder.select({ ownerId: workflows.ownerId }).from(workflows).where(eq(workflows.id, workflowId))
  return sql`(${owner})`
}

/** The workflow that an execution is of. */
export function workflowOf({ builder, tables: { executions } }: Dialect, executionId: string): SQL {
  const found = builder
    .select({ workflowId: executions.workflowId })
    .from(executions)
    .where(eq(executions.id, executionId))
  return sql`(${found})`
}

/** Whose workflow an execution is of when the batch runs. */
export function ownerOfExecution({ builder, tables: { executions, workflows } }: Dialect, executionId: string): SQL {
  const owner = builder
    .select({ ownerId: workflows.ownerId })
    .from(executions)
    .innerJoin(workflows, eq(workflows.id, executions.workflowId))
    .where(eq(executions.id, executionId))
  return sql`(${owner})`
}

function valuesOf(dialect: Dialect, event: EventTerms) {
  const { id, at, type, actor, subject, workflowId = null, ownerId = null, data = {}, origin } = event
  return {
    id,
    at,
    type,
    actorKind: actor.kind,
    actorUserId: actor.userId,
    actorId: actor.id,
    subjectType: subject.type,
    subjectId: subject.id,
    workflowId,
    ownerId,
    data: is(data, SQL) ? dialect.typed(data, dialect.tables.audit.data) : dataOf(dialect, data),
    network: origin.network,
    requestId: origin.requestId,
  }
}

/** JSON text: what the caller knows is written here, what the database finds is put in between. */
function dataOf(dialect: Dialect, data: Readonly<Record<string, DataMember>>): SQL {
  const parts: (string | SQL)[] = []
  const write = (more: string) => {
    const last = parts.at(-1)
    if (typeof last === 'string') parts[parts.length - 1] = last + more
    else parts.push(more)
  }
  write('{')
  for (const [position, [name, value]] of Object.entries(data).entries()) {
    write(`${position === 0 ? '' : ','}${JSON.stringify(name)}:`)
    if (is(value, SQL)) parts.push(sql`coalesce(${dialect.concat(sql`''`, value)}, 'null')`)
    else write(JSON.stringify(value))
  }
  write('}')
  const { data: column } = dialect.tables.audit
  const [first = sql`''`, ...others] = parts.map((part) => (typeof part === 'string' ? sql`${part}` : part))
  return dialect.typed(
    others.reduce((text, part) => dialect.concat(text, part), first),
    column,
  )
}
