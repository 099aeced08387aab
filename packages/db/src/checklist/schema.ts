import { readMark } from '../archive/mark.ts'
import { toolsOf } from '../dialects/tools.ts'
import { compareSchemas, extraColumns, type Drift } from '../migrate/drift.ts'
import { DatabaseError } from '../sql/errors.ts'
import { readSchema } from '../migrate/schema-shape.ts'
import type { Transport } from '../sql/transport.ts'
import type { CheckId } from './checks.ts'
import { allNotChecked, fail, ok, withSql, type Finding } from './finding.ts'
import type { MigrationState } from './subject.ts'

export interface SchemaChecked {
  readonly findings: readonly Finding[]
  /** What the columns, indexes and keys have otherwise; empty where no migration is applied. */
  readonly drift: readonly Drift[]
}

const parts = ['table', 'column', 'index', 'foreign_key'] as const

/** `schema.*`; charsets and collations, which are found by the same comparison, are told by others. */
export async function checkSchema(transport: Transport, state: MigrationState): Promise<SchemaChecked> {
  const migrations = migrationsFinding(state)
  if (state.applied.length === 0) {
    const reason = 'no migration is applied.'
    return { findings: [migrations, ...allNotChecked(parts.map(idOf), reason, migrations.fix)], drift: [] }
  }
  const catalogue = toolsOf(transport.dialect).catalogue
  const live = await readSchema(transport)
  const isRestoring = await hasMark(transport)
  // A restore makes these when all rows are there.
  const drift = compareSchemas(catalogue, live).filter((found) => !(isRestoring && isPlainIndex(found)))
  const extra = extraColumns(catalogue, live).map(({ table, name }) => `${table}.${name}`)
  const marks = await marksFindings(transport)
  const findings = parts.flatMap((part) => {
    const found = [...drift.filter(({ kind }) => kind === part).map(findingOf), ...(part === 'table' ? marks : [])]
    if (found.length > 0) return found
    const kept = part === 'column' && extra.length > 0 ? ` Beyond these, kept and not read: ${extra.join(', ')}.` : ''
    return [ok(idOf(part), `${whole[part]}${kept}`)]
  })
  return { findings: [migrations, ...findings], drift }
}

const whole = {
  table: 'Every table exists.',
  column: 'Every column exists and has the right type.',
  index: 'Every index exists.',
  foreign_key: 'Every foreign key exists.',
} as const

/** The migrator's own table: every query starts from a row of it. */
async function marksFindings(transport: Transport): Promise<readonly Finding[]> {
  try {
    await readMark(transport)
    return []
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError) || thrown.fault !== 'database_schema_outdated') throw thrown
    const message = 'The table marks, or its row, is missing: no request works without it.'
    return [fail('schema.table', message, 'Run `millrace migrate` against this DATABASE_URL: it creates them again.')]
  }
}

/** Whether a restore is under way; a database without its marks has none. */
async function hasMark(transport: Transport): Promise<boolean> {
  try {
    return (await readMark(transport)) !== undefined
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'database_schema_outdated') return false
    throw thrown
  }
}

function isPlainIndex({ kind, sql = '' }: Drift): boolean {
  return kind === 'index' && sql.startsWith('create index ')
}

function idOf(part: (typeof parts)[number]): CheckId {
  return `schema.${part}`
}

function migrationsFinding({ pending, changed, newer }: MigrationState): Finding {
  const id = 'schema.migrations'
  if (pending.length > 0) {
    return fail(
      id,
      `Migrations are missing: ${pending.join(', ')}.`,
      'Run `millrace migrate` against this DATABASE_URL.',
    )
  }
  if (changed.length > 0) {
    const fix = `Restore their text, or run \`millrace migrate --accept-changed ${changed[0] ?? ''}\`.`
    return fail(id, `Migrations were edited after they had been applied: ${changed.join(', ')}.`, fix)
  }
  const ahead = newer.length === 0 ? '' : ` Newer code has applied ${newer.join(', ')}.`
  return ok(id, `Every migration is applied.${ahead}`)
}

function findingOf({ kind, message, sql }: Drift): Finding {
  const id: CheckId = `schema.${kind === 'charset' || kind === 'collation' ? 'column' : kind}`
  // Foreign keys are enforced by the batches too, and some servers refuse them.
  const level = kind === 'foreign_key' ? 'warn' : 'fail'
  return withSql({ id, level, message, fix: fixOf(kind, sql) }, sql)
}

function fixOf(kind: Drift['kind'], sql: string | undefined): string {
  if (sql === undefined) {
    return 'No single statement fixes this: create a new database with `millrace migrate`, and move the rows with `millrace copy`.'
  }
  if (kind === 'table') {
    return 'Run the statement in `sql`, then those of its indexes and foreign keys below. `millrace migrate` does not create it again.'
  }
  return 'Run the statement in `sql`.'
}
