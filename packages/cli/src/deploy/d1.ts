import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '@millrace/db/store/database'
import { loadDrivers } from '../connection.ts'
import type { Context } from '../context.ts'
import { openD1 } from '../d1/open.ts'
import { createD1, findD1 } from '../d1/provision.ts'
import { d1Configuration, movedConfiguration } from '../wrangler-configuration.ts'
import type { Plan } from './plan.ts'
import type { PlannedD1 } from './planned-d1.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

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
