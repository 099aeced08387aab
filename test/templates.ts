import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startGateway } from '@millrace/gateway'
import { inject } from 'vitest'
import { freshDatabase, otherServer, type DialectName, type FreshDatabase, type Template } from './dialects.ts'
import { targetOf } from './target.ts'

/**
 * Makes a new database as the migrations leave it: a copy of one that the first suite of the run has migrated, which is
 * there in a tenth of the time. Suites about migrations and schema migrate their own.
 */
export async function migratedDatabase(dialect: DialectName): Promise<FreshDatabase> {
  return freshDatabase(dialect, readTemplate(dialect) ?? (await makeTemplate(dialect)))
}

function fileOf(dialect: DialectName): string {
  return join(inject('directory'), `template-${otherServer ?? dialect}.json`)
}

function readTemplate(dialect: DialectName): Template | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(dialect), 'utf8')) as Template
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Two suites that begin at once make one each. */
async function makeTemplate(dialect: DialectName): Promise<Template> {
  const database = await freshDatabase(dialect)
  const target = targetOf(database.url)
  const gateway = await startGateway({ target })
  try {
    const { migrateDatabase } = await import('./migrated.ts')
    await migrateDatabase({ dialect, target, gatewayUrl: gateway.url })
  } finally {
    await gateway.close()
  }
  const template = await database.freeze()
  writeWhole(fileOf(dialect), JSON.stringify(template))
  return template
}

/** None reads half of it. */
function writeWhole(path: string, text: string): void {
  const beside = `${path}.${process.pid}`
  writeFileSync(beside, text)
  renameSync(beside, path)
}
