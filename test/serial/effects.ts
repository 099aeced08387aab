import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DialectName } from '../dialects.ts'
import { begin, type Theatre } from './run.ts'
import type { Write } from './write.ts'

/* What a write does to the rows of a database, in words that do not depend on the ids and times that it makes. */

interface Told {
  /** The columns that tell one row from all others. */
  readonly key: readonly string[]
  /** The columns by which a person knows the row. */
  readonly columns: readonly string[]
}

const tables: Readonly<Record<string, Told>> = {
  users: { key: ['id'], columns: ['id'] },
  sessions: { key: ['id'], columns: ['user_id', 'family_id'] },
  api_keys: { key: ['id'], columns: ['id', 'user_id'] },
  password_resets: { key: ['id'], columns: ['user_id'] },
  idempotency_keys: { key: ['user_id', 'idempotency_key'], columns: ['user_id', 'idempotency_key'] },
  login_attempts: { key: ['id'], columns: ['kind', 'name_key', 'network'] },
  settings: { key: ['id'], columns: ['user_id', 'revision'] },
  workflows: { key: ['id'], columns: ['id', 'revision'] },
  workflow_versions: { key: ['id'], columns: ['workflow_id', 'version_number'] },
  workflow_shares: { key: ['id'], columns: ['workflow_id', 'shared_with_user_id', 'permission'] },
  executions: { key: ['id'], columns: ['id', 'status', 'fence'] },
  execution_history: { key: ['execution_id', 'seq'], columns: ['execution_id', 'type'] },
  schedules: { key: ['id'], columns: ['id', 'revision', 'disabled_reason'] },
  audit: {
    key: ['id'],
    columns: ['type', 'subject_id', 'workflow_id', 'owner_id', 'actor_kind', 'actor_user_id', 'actor_id'],
  },
  backups: { key: ['name'], columns: ['name'] },
  marks: { key: ['name'], columns: ['name'] },
}

interface Row {
  readonly key: string
  readonly text: string
  readonly words: string
}

/**
 * The rows that came (`+`), went (`-`) or are no longer the same (`~`), as `+sessions(alice session.second)`, sorted. An id
 * without a name in the world is `*`, and null is nothing.
 * @param before each as `table {"column":value}`
 */
export function effectsOf(
  before: readonly string[],
  after: readonly string[],
  names: ReadonlyMap<string, string>,
): readonly string[] {
  const old = new Map(before.map((text) => readRow(text, names)).map((row) => [row.key, row]))
  const now = new Map(after.map((text) => readRow(text, names)).map((row) => [row.key, row]))
  const come = [...now.values()].flatMap((row) => {
    const was = old.get(row.key)
    return was === undefined ? `+${row.words}` : was.text === row.text ? [] : `~${row.words}`
  })
  const gone = [...old.values()].filter(({ key }) => !now.has(key)).map(({ words }) => `-${words}`)
  return counted([...come, ...gone].filter((effect) => !isQueue(effect)))
}

/** Rows that stand for nothing but are locked, so that attempts queue. */
function isQueue(effect: string): boolean {
  return effect.startsWith('+login_attempts(lock') || effect.startsWith('~login_attempts(lock')
}

function counted(effects: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const effect of effects) counts.set(effect, (counts.get(effect) ?? 0) + 1)
  return [...counts].map(([effect, count]) => (count === 1 ? effect : `${count} ${effect}`)).toSorted()
}

function readRow(text: string, names: ReadonlyMap<string, string>, more: readonly string[] = []): Row {
  const [table = ''] = text.split(' ', 1)
  const told = tables[table]
  if (told === undefined) throw new Error(`nobody has said how a row of ${table} is told`)
  const row = JSON.parse(text.slice(table.length + 1)) as Readonly<Record<string, string | number | boolean | null>>
  const values = (columns: readonly string[]) => columns.map((column) => row[column] ?? null)
  const words = values([...told.columns, ...more]).flatMap((value) =>
    value === null || value === '' ? [] : wordOf(String(value), names),
  )
  return { key: JSON.stringify([table, ...values(told.key)]), text, words: `${table}(${words.join(' ')})` }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/
const digest = /^(?:\w+:)?[0-9a-f]{64}$/

function wordOf(value: string, names: ReadonlyMap<string, string>): string {
  return names.get(value) ?? (uuid.test(value) || digest.test(value) ? '*' : value)
}

/** Rows of some tables, as {@link effectsOf} words them, with the columns that are named for a table besides, sorted. */
export function tellRows(
  rows: readonly string[],
  names: ReadonlyMap<string, string>,
  ofTables: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  const told = rows.flatMap((text) => {
    const more = ofTables[text.split(' ', 1)[0] ?? '']
    return more === undefined ? [] : [readRow(text, names, more).words]
  })
  return counted(told)
}

/** What a write answers and changes where nothing happens beside it. */
export async function effectsOfWrite(theatre: Theatre, write: Write): Promise<string> {
  const { stage, world, baseline } = theatre
  await begin(theatre)
  const { status, headers } = await write.act(stage, world)
  const wait = Number(headers.get('Retry-After') ?? 0) > 450 ? ', to wait long' : ''
  return [`${status}${wait}`, ...effectsOf(baseline.rows, await stage.ground.rows(), world.names)].join('; ')
}

/**
 * What each write answers and changes where nothing happens beside it, by name: `rename ⇒ 200; ~workflows(wf 3); …`. Where a
 * dialect does it otherwise, its line follows: `record steps (postgres) ⇒ …`.
 */
export function readEffects(dialect: DialectName): ReadonlyMap<string, string> {
  const lines = readFileSync(join(import.meta.dirname, 'effects.txt'), 'utf8').split('\n')
  const effects = new Map<string, string>()
  for (const line of lines.filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name = '', only, told = ''] = /^(.*?)(?: \((sqlite|postgres|mysql)\))? ⇒ (.*)$/.exec(line) ?? []
    if (only === undefined || only === dialect) effects.set(name, told)
  }
  return effects
}
