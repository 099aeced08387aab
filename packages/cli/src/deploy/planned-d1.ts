import type { Target } from '@millrace/db/url'
import type { D1Target } from '../d1/state.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'

/** The D1 database that a deployment's DATABASE_URL names, as far as wrangler.toml and the URL know it. */
export interface PlannedD1 {
  readonly target: D1Target
  /** The database's name in the account: wrangler.toml's, else the Worker's. */
  readonly name: string
  readonly id: string | undefined
  readonly isBound: boolean
}

/** @throws Failure where wrangler.toml and DATABASE_URL name two databases */
export function planD1(target: Target, worker: string, bound: unknown): PlannedD1 | undefined {
  if (target.via !== 'd1') return undefined
  const entries = Array.isArray(bound) ? bound.filter(isRecord) : []
  const entry = entries.find(({ binding }) => binding === target.binding)
  const id = textOf(entry?.['database_id'])
  if (entry !== undefined && id === undefined) throw idMissing(target)
  if (id !== undefined && target.databaseId !== undefined && id !== target.databaseId) throw twoDatabases(target)
  return {
    target,
    name: textOf(entry?.['database_name']) ?? worker,
    id: id ?? target.databaseId,
    isBound: entry !== undefined,
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function idMissing({ binding }: D1Target): Failure {
  return new Failure('settings_invalid', {
    what: `wrangler.toml binds ${binding} to a D1 database without saying which.`,
    why: 'Without database_id wrangler would make one that is not migrated.',
    fix: `Add its database_id (\`wrangler d1 list\`), or take the whole entry out: then \`millrace deploy\` finds or creates the database.`,
  })
}

function twoDatabases({ binding }: D1Target): Failure {
  return new Failure('settings_invalid', {
    what: `DATABASE_URL and wrangler.toml name two D1 databases for ${binding}.`,
    why: 'The id in DATABASE_URL is not the database_id of wrangler.toml, and only one of them can be migrated and served.',
    fix: 'Take the id out of DATABASE_URL, or correct one of them.',
  })
}
