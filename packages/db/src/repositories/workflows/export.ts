import { and, asc, eq, gt, inArray, isNotNull } from 'drizzle-orm'
import { isAnchor, restoreError } from '../../access/access.ts'
import type { DocumentText } from '../../document/index.ts'
import { buildQuery, defineQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'

/* What the command line takes out as files, without a caller: it stands outside of permissions. */

export interface ExportedWorkflow {
  readonly id: string
  readonly name: string
}

export interface ExportListing {
  readonly ownerId?: string | undefined
  /** Only these, where given. */
  readonly ids?: readonly string[] | undefined
}

const pageSize = 1000

/** The workflows to export, by id. */
export async function listForExport(store: Store, listing: ExportListing): Promise<readonly ExportedWorkflow[]> {
  const found: ExportedWorkflow[] = []
  for (let after = ''; ;) {
    const rows = await store.read(pageQuery(store, listing, after))
    if (rows.some(({ restore }) => restore !== null)) throw restoreError()
    found.push(...rows.map(({ id, name }) => ({ id, name })))
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize) return found
    after = last.id
  }
}

function pageQuery({ dialect }: Store, { ownerId, ids }: ExportListing, after: string) {
  const { builder, tables } = dialect
  const { workflows, marks } = tables
  return buildQuery(
    builder
      .select({ restore: marks.value, id: workflows.id, name: workflows.name })
      .from(workflows)
      .innerJoin(marks, isAnchor(dialect))
      .where(
        and(
          isNotNull(workflows.id),
          gt(workflows.id, after),
          ownerId === undefined ? undefined : eq(workflows.ownerId, ownerId),
          ids === undefined ? undefined : inArray(workflows.id, [...ids]),
        ),
      )
      .orderBy(asc(workflows.id))
      .limit(pageSize),
  )
}

/** The newest definition of a workflow and its number, read at one moment. */
export interface ExportedDefinition {
  readonly definition: DocumentText
  readonly versionNumber: number
}

const definitionQuery = defineQuery<{ id: string }>()(({ builder, tables: { workflows } }, bind) =>
  builder
    .select({ definition: workflows.definition, versionNumber: workflows.versionNumber })
    .from(workflows)
    .where(eq(workflows.id, bind('id', workflows.id))),
)

/** Undefined for a workflow that was deleted meanwhile. */
export async function readForExport(store: Store, id: string): Promise<ExportedDefinition | undefined> {
  const [row] = await store.read(definitionQuery(store.dialect, { id }))
  return row
}
