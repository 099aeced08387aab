import type { Database } from '../store/database.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport, TripObserver } from '../sql/transport.ts'
import type { Target } from '../url/index.ts'

/** A database as the code sees its migrations. */
export interface MigrationState {
  readonly applied: readonly string[]
  readonly pending: readonly string[]
  /** Applied with another text than the code has now. */
  readonly changed: readonly string[]
  /** Applied by newer code. */
  readonly newer: readonly string[]
}

/** What the checklist looks at. */
export interface Subject {
  readonly database: Pick<Database, 'transport'>
  readonly target: Target
  /** Where DATABASE_READ_URL leads; undefined where it isn't set or can't be opened. */
  readonly replica: Pick<Database, 'transport'> | undefined
  readonly clock: () => Date
  /** Whether ended executions are deleted after a time; not where it is absent. */
  readonly sweepsEnded?: boolean | undefined
  readonly readMigrations: (transport: Transport) => Promise<MigrationState>
  readonly observer?: TripObserver | undefined
}

/** Rows of a statement in the dialect's own words, as text; null stays undefined. */
export async function readTexts(
  transport: Transport,
  statement: Statement,
): Promise<readonly (readonly (string | undefined)[])[]> {
  const { rows } = await transport.run(statement)
  return rows.map((row) => row.map(textOf))
}

/** Drivers give text, numbers, bigints, and MySQL's catalogue bytes. */
function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (typeof value === 'string') return value
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}
