import { and, eq, isNull, ne, not, sql, type SQL } from 'drizzle-orm'
import { all, any, judgeWritten, refused, type Outcome, type Permission, type UserCaller } from '../../access/access.ts'
import type { DocumentText } from '../../document/index.ts'
import type { AuditType } from '../../schema/audit-types.ts'
import { nameKey } from '../../schema/names.ts'
import type { WorkflowRow, WorkflowVersionRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { defineShapedStatement, defineStatement, type Bind } from '../../sql/building.ts'
import { refuseLarge } from '../../sql/row-size.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { boundEvent, eventValues, type EventShape, type EventValues } from '../audit/caller-event.ts'
import { eventQuery, insertEventFrom, isRecorded } from '../audit/event.ts'
import {
  boundRevisions,
  hasRevision,
  matches,
  revisionShape,
  revisionValues,
  type RevisionCondition,
  type RevisionShape,
  type RevisionValues,
} from './revisions.ts'
import { workflowLocks } from './workflow-locks.ts'
import { viewOf, viewQuery, type WorkflowView } from './workflows.ts'
import {
  type CallerShape,
  callerShape,
  callerValues,
  mayAct,
  callerTerms,
  mayOnWorkflow,
} from '../../access/conditions.ts'
import { existsIn } from '../../sql/exists.ts'

export interface WorkflowChange {
  readonly name?: string
  readonly description?: string | null
  readonly definition?: DocumentText
  readonly isPublic?: boolean
  /** Kept with the version that the definition makes. */
  readonly changeNotes?: string | null
}

export interface WorkflowPatch {
  readonly change: WorkflowChange
  readonly ifRevision: RevisionCondition
  /** Id of the version that a new definition makes. */
  readonly versionId: string
  /** Names this write: the id of its audit event, which the row keeps too. */
  readonly operation: string
  readonly at: Date
}

/** Changes a workflow; a definition whose text differs makes the next version; no change at all leaves it as it is. */
export async function patchWorkflow(
  store: Store,
  caller: UserCaller,
  id: string,
  patch: WorkflowPatch,
): Promise<Outcome<WorkflowView>> {
  const { dialect } = store
  const { workflows } = dialect.tables
  const shape = shapeOf(caller, patch)
  const values = valuesOf(caller, id, patch)
  const { isOpen, rows } = await store.apply({
    locks: workflowLocks(dialect, caller, id, 'no key update'),
    gate: recordChange(dialect, shape, values),
    effects: [
      updateStatement(dialect, shape, values),
      ...(patch.change.definition === undefined ? [] : [insertNextVersion(dialect, caller, id, patch)]),
      ...refuseLarge(dialect, workflows, all(eq(workflows.id, id), eq(workflows.lastOp, patch.operation))),
    ],
    answer: (as) => viewQuery(dialect, as(caller), id),
    answersWhenClosed: true,
    proof: eventQuery(dialect, patch.operation),
  })
  const { needed } = shape
  const [row] = rows
  if (isOpen) return judgeWritten(caller, row, { at: patch.at, needed }, (as, enough) => viewOf(as, row, enough))
  const view = viewOf(caller, row, needed)
  // Closed, and yet of that revision: nothing would have changed.
  if (!view.ok || matches(patch.ifRevision, view.value.revision)) return view
  return refused('precondition_failed')
}

/** Which members of a change are there, and how: the SQL depends on it. */
interface PatchShape extends EventShape {
  readonly caller: CallerShape
  readonly needed: Permission
  readonly revisions: RevisionShape
  readonly name: boolean
  readonly description: 'absent' | 'null' | 'text'
  readonly definition: boolean
  readonly isPublic: boolean
}

type PatchValues = Partial<WorkflowRow> & EventValues & RevisionValues

function shapeOf(caller: UserCaller, { change, ifRevision }: WorkflowPatch): PatchShape {
  const { name, description, definition, isPublic } = change
  return {
    caller: callerShape(caller),
    isCommand: caller.origin === undefined,
    needed: isPublic === undefined ? 'edit' : 'owner',
    revisions: revisionShape(ifRevision),
    name: name !== undefined,
    description: description === undefined ? 'absent' : description === null ? 'null' : 'text',
    definition: definition !== undefined,
    isPublic: isPublic !== undefined,
  }
}

function valuesOf(caller: UserCaller, id: string, patch: WorkflowPatch): PatchValues {
  const { change, ifRevision, operation, at } = patch
  return {
    ...callerValues(caller),
    ...eventValues(caller, { id: operation, type: typeOf(change), at }),
    ...revisionValues(ifRevision),
    ...change,
    ...(change.name === undefined ? {} : { nameKey: nameKey(change.name) }),
    id,
    lastOp: operation,
    updatedAt: at,
  }
}

/** Of the event where nothing changes but what decides it; {@link eventType} says when another member does. */
function typeOf({ isPublic }: WorkflowChange): AuditType {
  if (isPublic === undefined) return 'workflow.updated'
  return isPublic ? 'workflow.published' : 'workflow.unpublished'
}

/** The gate: what is to change, told by what there is before. */
const recordChange = defineShapedStatement<PatchShape, PatchValues>()((dialect, bind, shape) => {
  const { workflows } = dialect.tables
  const condition = all(
    eq(workflows.id, bind('id', workflows.id)),
    hasRevision(dialect, boundRevisions(dialect, bind, shape.revisions)),
    any(sql`1 = 0`, ...differences(dialect, bind, shape).map(({ differs }) => differs)),
    mayAct(dialect, callerTerms(dialect, bind, shape.caller)),
    mayOnWorkflow(dialect, callerTerms(dialect, bind, shape.caller), workflows, shape.needed),
  )
  const event = boundEvent(dialect, bind, shape, {
    subject: { type: 'workflow', id: sql`${workflows.id}` },
    workflowId: sql`${workflows.id}`,
    ownerId: sql`${workflows.ownerId}`,
    data: {
      members: members(dialect, bind, shape),
      ...(shape.definition ? { versionNumber: nextVersion(dialect, bind, shape) } : {}),
      revision: sql`${workflows.revision} + 1`,
    },
  })
  const typed = { ...event, type: eventType(dialect, bind, shape) }
  return insertEventFrom(dialect, typed, dialect.gate.holding(sql`${workflows} where ${condition}`))
})

/** A workflow whose publication is all that changes was published or unpublished, whatever else the request held. */
function eventType(dialect: Dialect, bind: Bind<PatchValues>, shape: PatchShape): SQL {
  const type = sql`${bind('eventType', dialect.tables.audit.type)}`
  const others = differences(dialect, bind, shape).filter(({ member }) => member !== 'isPublic')
  if (!shape.isPublic || others.length === 0) return type
  const isUpdated = any(sql`1 = 0`, ...others.map(({ differs }) => differs))
  const updated: AuditType = 'workflow.updated'
  return sql`case when ${isUpdated} then ${sql.raw(`'${updated}'`)} else ${type} end`
}

type Member = 'name' | 'description' | 'definition' | 'isPublic'

/** For each member of the change, whether the row would change. */
function differences(
  dialect: Dialect,
  bind: Bind<PatchValues>,
  shape: PatchShape,
): readonly { readonly member: Member; readonly differs: SQL }[] {
  const { workflows } = dialect.tables
  const isAbsent = isNull(workflows.description)
  const descriptions = {
    absent: undefined,
    null: not(isAbsent),
    text: any(isAbsent, not(isText(dialect, bind, 'description'))),
  }
  const found: readonly (readonly [Member, SQL | undefined])[] = [
    ['name', shape.name ? not(isText(dialect, bind, 'name')) : undefined],
    ['description', descriptions[shape.description]],
    ['definition', shape.definition ? not(isText(dialect, bind, 'definition')) : undefined],
    ['isPublic', shape.isPublic ? ne(workflows.isPublic, bind('isPublic', workflows.isPublic)) : undefined],
  ]
  return found.flatMap(([member, differs]) => (differs === undefined ? [] : [{ member, differs }]))
}

/** The JSON list of the members that change: of one alone it is known, since the gate is closed where it does not. */
function members(dialect: Dialect, bind: Bind<PatchValues>, shape: PatchShape): SQL {
  const [first, ...others] = differences(dialect, bind, shape)
  if (first === undefined || others.length === 0) {
    return sql.raw(first === undefined ? `'[]'` : `'["${first.member}"]'`)
  }
  const named = [first, ...others].map(
    ({ member, differs }) => sql`case when ${differs} then ${sql.raw(`'"${member}",'`)} else '' end`,
  )
  const list = named.reduce((text, one) => dialect.concat(text, one), sql`'['`)
  return sql`replace(${dialect.concat(list, sql`']'`)}, ',]', ']')`
}

/** Where the definition is all that may change, the gate says that it differs. */
function nextVersion(dialect: Dialect, bind: Bind<PatchValues>, { name, description, isPublic }: PatchShape): SQL {
  const { versionNumber } = dialect.tables.workflows
  if (!name && description === 'absent' && !isPublic) return sql`${versionNumber} + 1`
  return sql`${versionNumber} + case when ${isText(dialect, bind, 'definition')} then 0 else 1 end`
}

function isText(dialect: Dialect, bind: Bind<PatchValues>, name: 'name' | 'description' | 'definition'): SQL {
  return sql`${dialect.exactText(dialect.tables.workflows[name])} = ${bind(name)}`
}

const updateStatement = defineShapedStatement<PatchShape, PatchValues>()((dialect, bind, shape) => {
  const { workflows } = dialect.tables
  const isOwner = eq(workflows.ownerId, bind('userId', workflows.ownerId))
  return dialect.builder
    .update(workflows)
    .set({
      ...(shape.name ? { name: bind('name', workflows.name), nameKey: bind('nameKey', workflows.nameKey) } : {}),
      ...(shape.description === 'absent' ? {} : { description: bind('description', workflows.description) }),
      ...(shape.isPublic ? { isPublic: bind('isPublic', workflows.isPublic) } : {}),
      ...(shape.definition
        ? { definition: bind('definition', workflows.definition), versionNumber: nextVersion(dialect, bind, shape) }
        : {}),
      revision: sql`${workflows.revision} + 1`,
      lastOp: bind('lastOp', workflows.lastOp),
      updatedAt: bind('updatedAt', workflows.updatedAt),
      transferredAt: sql`case when ${isOwner} then null else ${workflows.transferredAt} end`,
    })
    .where(and(eq(workflows.id, bind('id', workflows.id)), isRecorded(dialect, bind('eventId'))))
})

function insertNextVersion(
  dialect: Dialect,
  { userId }: UserCaller,
  workflowId: string,
  { change, versionId, operation, at }: WorkflowPatch,
): Statement {
  const changeNotes = change.changeNotes ?? null
  return nextVersionStatement(dialect, {
    workflowId,
    id: versionId,
    operation,
    changeNotes,
    createdBy: userId,
    createdAt: at,
  })
}

type NextVersion = Omit<WorkflowVersionRow, 'versionNumber' | 'definition'> & { readonly operation: string }

/** The head's definition as its newest version, unless that version is there: then the definition's text is the same. */
const nextVersionStatement = defineStatement<NextVersion>()(({ builder, tables }, bind) => {
  const { workflows, workflowVersions } = tables
  const isThere = existsIn(
    { builder },
    workflowVersions,
    eq(workflowVersions.workflowId, workflows.id),
    eq(workflowVersions.versionNumber, workflows.versionNumber),
  )
  const source = builder
    .select({
      id: bind('id'),
      workflowId: workflows.id,
      versionNumber: workflows.versionNumber,
      definition: workflows.definition,
      changeNotes: bind('changeNotes'),
      createdBy: bind('createdBy'),
      createdAt: bind('createdAt', workflowVersions.createdAt),
    })
    .from(workflows)
    .where(
      and(
        eq(workflows.id, bind('workflowId', workflows.id)),
        eq(workflows.lastOp, bind('operation', workflows.lastOp)),
        not(isThere),
      ),
    )
  return builder.insert(workflowVersions).select(source.getSQL())
})
