import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '@millrace/db/store/database'
import type { Target } from '@millrace/db/url'
import { loadDrivers } from '../connection.ts'
import type { Context } from '../context.ts'
import { openD1, type D1Target } from '../d1/open.ts'
import { createD1, findD1 } from '../d1/provision.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'
import { d1Configuration, movedConfiguration } from '../wrangler-configuration.ts'
import type { Plan } from './plan.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

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

/** A plan whose D1 database is there; or, where nothing is to be changed, is not yet. */
export interface PlacedPlan {
  readonly plan: Plan
  readonly database: Database | undefined
}

/** Finds the D1 database, or creates it, and has a configuration bind it to the functions. */
export async function placeD1(
  context: Context,
  plan: Plan,
  { target, name, id: known, isBound }: PlannedD1,
  { isDryRun }: { readonly isDryRun: boolean },
): Promise<PlacedPlan> {
  const found = known ?? (await findD1(context, name))
  if (found === undefined && isDryRun) return { plan, database: undefined }
  const id = found ?? (await createD1(context, name))
  if (found === undefined) context.output.note(`Created the D1 database ${name} (${id}).`)
  const { client } = await openD1(context, { ...target, databaseId: id })
  const openDatabase = await loadDrivers()
  return {
    plan: isBound
      ? plan
      : { ...plan, config: boundConfiguration(context, plan, { binding: target.binding, name, id }) },
    database: await openDatabase({ target, d1: client }),
  }
}

/** wrangler.toml with the binding, in a folder of its own: what is in git stays as it is. */
function boundConfiguration(
  context: Context,
  { environment }: Plan,
  entry: Parameters<typeof d1Configuration>[0],
): string {
  const path = join(temporaryDirectory(context, 'deploy'), 'wrangler.toml')
  const text = movedConfiguration(context.directories.workspace, 'functions/dist')
  writeFileSync(path, text + d1Configuration(entry, environment))
  return path
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
