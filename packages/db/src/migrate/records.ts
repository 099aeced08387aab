import { eq } from 'drizzle-orm'
import { DatabaseError } from '../sql/errors.ts'
import { hashOf, type Migration } from '../sql/migration.ts'
import type { Dialect } from '../sql/dialect.ts'
import { buildStatement, defineQuery, defineStatement } from '../sql/building.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'
import { readQuery } from '../store/read-query.ts'

/** What the database has recorded of one migration. */
export interface AppliedRecord {
  readonly name: string
  readonly hash: string
  readonly statementsDone: number
  readonly leftOut: string | null
  readonly appliedAt: Date | null
}

export async function recordsOrNone(transport: Transport): Promise<readonly AppliedRecord[]> {
  try {
    return await readRecords(transport)
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'database_schema_outdated') return []
    throw thrown
  }
}

export function readRecords(transport: Transport): Promise<readonly AppliedRecord[]> {
  return readQuery(transport, recordsQuery(transport.dialect, {}))
}

const recordsQuery = defineQuery<object>()(({ builder, tables: { migrations } }) =>
  builder
    .select({
      name: migrations.name,
      hash: migrations.hash,
      statementsDone: migrations.statementsDone,
      leftOut: migrations.leftOut,
      appliedAt: migrations.appliedAt,
    })
    .from(migrations)
    .orderBy(migrations.name),
)

export async function recordStatement(
  { dialect }: Transport,
  migration: Migration,
  progress: { readonly done: number; readonly isWhole: boolean },
): Promise<Statement> {
  return insertStatement(dialect, {
    name: migration.name,
    hash: await hashOf(migration),
    done: progress.done,
    appliedAt: progress.isWhole ? new Date() : null,
  })
}

const insertStatement = defineStatement<{ name: string; hash: string; done: number; appliedAt: Date | null }>()(
  ({ builder, tables: { migrations } }, bind) =>
    builder.insert(migrations).values({
      name: bind('name', migrations.name),
      hash: bind('hash', migrations.hash),
      statementsDone: bind('done', migrations.statementsDone),
      appliedAt: bind('appliedAt', migrations.appliedAt),
    }),
)

/** Notes what has become of a migration. What was left out goes with its progress, so that no later run forgets it. */
export function noteStatement(
  { builder, tables: { migrations } }: Dialect,
  name: string,
  noted: Partial<Omit<AppliedRecord, 'name'>>,
): Statement {
  return buildStatement(builder.update(migrations).set(noted).where(eq(migrations.name, name)))
}
