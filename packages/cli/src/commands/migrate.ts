import { bookkeepingSql } from '@millrace/db/migrate/bookkeeping-sql'
import type { Database } from '@millrace/db/store/database'
import type { MigrationStatus } from '@millrace/db/migrate/migrate'
import { type Migration, statementsOf } from '@millrace/db/sql/migration'
import { Option, type Command } from 'commander'
import { chooseDatabase, connect, isMissing, refuseMissing, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { applyMigrations, noteProgress, readMigrations } from '../migrations.ts'
import { withDatabaseOption } from '../options.ts'
import type { AddCommand } from '../command.ts'

interface MigrateOptions {
  readonly database?: string
  readonly dryRun?: boolean
  readonly acceptChanged: readonly string[]
  readonly record?: string
}

const examples = `
Each migration is applied once, under a lock. It is safe to run this from several places at once, and to run it again
after an interruption.

Examples:
  millrace migrate
  millrace migrate --dry-run > pending.sql
  millrace migrate --database postgresql://user:password@127.0.0.1:5432/workflows
  millrace migrate --record 0001_initial
  millrace migrate status --json`

const statusExamples = `
Changes nothing. Exits with 1 if a migration is pending, or was changed after it was applied.

Examples:
  millrace migrate status
  millrace migrate status --json | jq .pending`

export const migrateCommand: AddCommand = (parent: Command, run) => {
  const command = withDatabaseOption(
    parent.command('migrate').alias('push').description('apply the pending migrations to the database'),
  )
    .option('--dry-run', 'print the SQL without running it')
    .addOption(
      new Option(
        '--record <name>',
        'record a migration as applied after you ran its SQL yourself; compares the schema first',
      ).conflicts(['dryRun', 'acceptChanged']),
    )
    .addOption(
      new Option('--accept-changed <name>', 'accept a migration that was edited after it was applied (repeatable)')
        .argParser((name: string, names: readonly string[]) => [...names, name])
        .default([], 'none'),
    )
    .addHelpText('after', examples)
    .action((options: MigrateOptions) => run((context) => apply(context, options)))
  withDatabaseOption(command.command('status').description('compare the database with the migrations of this version'))
    .addHelpText('after', statusExamples)
    .action((_options: object, status: Command) =>
      run((context) => showStatus(context, status.optsWithGlobals<MigrateOptions>().database)),
    )
}

async function apply(context: Context, options: MigrateOptions): Promise<number> {
  const chosen = chooseDatabase(context, options.database)
  const migrations = readMigrations(context.directories.workspace, chosen.target.dialect)
  if (options.dryRun === true) return showSql(context, chosen, migrations, options.acceptChanged)
  if (options.record !== undefined) return record(context, chosen, migrations, options.record)
  const { database } = await connect(context, chosen)
  const applied = await applyMigrations(context, database, options.acceptChanged)
  await noteMigrations(context, database, applied)
  const words =
    applied.length === 0
      ? `${chosen.shownUrl} has every migration already.`
      : `Applied to ${chosen.shownUrl}:\n${listed(applied)}`
  context.output.result({ applied }, words)
  return 0
}

async function record(
  context: Context,
  chosen: ChosenDatabase,
  migrations: readonly Migration[],
  name: string,
): Promise<number> {
  refuseMissing(context, chosen)
  const { database } = await connect(context, chosen)
  const { recordMigration } = await import('@millrace/db/migrate/migrate')
  await recordMigration(database, migrations, name, {
    signal: context.lifetime.interruption,
    onProgress: (progress) => noteProgress(context, progress),
  })
  await noteMigrations(context, database, [name])
  context.output.result({ applied: [name] }, `Recorded in ${chosen.shownUrl} as applied:\n${listed([name])}`)
  return 0
}

/** The audit event of migrations that were applied. */
export async function noteMigrations(context: Context, database: Database, applied: readonly string[]): Promise<void> {
  if (applied.length === 0) return
  const { noteOperation } = await import('../operations.ts')
  await noteOperation(context, database, { type: 'database.migrated', command: 'migrate', data: { applied } })
}

async function showSql(
  context: Context,
  chosen: ChosenDatabase,
  migrations: readonly Migration[],
  accepted: readonly string[],
): Promise<number> {
  const { knownMigration, refuseWhileRestoring } = await import('@millrace/db/migrate/migrate')
  for (const name of accepted) knownMigration(migrations, name, '--accept-changed')
  const database = await openExisting(context, chosen)
  const { applied, pending, changed } = await readStatus(database, migrations)
  if (database !== undefined) await refuseWhileRestoring(database)
  const refused = changed.filter((name) => !accepted.includes(name))
  if (refused.length > 0) throw changedFailure(refused)
  const missing = migrations.filter(({ name }) => pending.includes(name))
  const parts = missing.map((migration) => sqlPart(migration.name, statementsOf(migration)))
  // Where no migration is applied, the migrator's own tables are missing too.
  if (applied.length === 0) parts.unshift(sqlPart('the record of migrations', bookkeepingSql(chosen.target.dialect)))
  const sql = parts.join('\n\n')
  context.output.result({ applied: [], pending, sql }, sql === '' ? '-- Nothing is pending.' : sql)
  return 0
}

function sqlPart(title: string, statements: readonly string[]): string {
  return `-- ${title}\n${statements.map(terminated).join('\n')}`
}

function terminated(statement: string): string {
  return statement.endsWith(';') ? statement : `${statement};`
}

function changedFailure(changed: readonly string[]): Failure {
  return new Failure('migration_changed', {
    what: `Migrations were edited after they had been applied: ${changed.join(', ')}.`,
    why: 'Their text no longer has the hash that the database recorded.',
    fix: `Restore their text, or run \`millrace migrate --accept-changed ${changed[0] ?? ''}\`.`,
  })
}

async function showStatus(context: Context, databaseOption: string | undefined): Promise<number> {
  const chosen = chooseDatabase(context, databaseOption)
  const migrations = readMigrations(context.directories.workspace, chosen.target.dialect)
  const status = await readStatus(await openExisting(context, chosen), migrations)
  const isCurrent = status.pending.length === 0 && status.changed.length === 0
  const document = { applied: status.applied, pending: status.pending, changed: status.changed, newer: status.newer }
  context.output.result(isCurrent ? document : { ok: false, ...document }, statusWords(chosen, status))
  return isCurrent ? 0 : 1
}

/** Undefined for a SQLite file or a local D1 that is not there: looking must not create it. */
async function openExisting(context: Context, chosen: ChosenDatabase): Promise<Database | undefined> {
  return isMissing(context, chosen.target) ? undefined : (await connect(context, chosen)).database
}

/** A database that is not there counts as an empty one. */
async function readStatus(database: Database | undefined, migrations: readonly Migration[]): Promise<MigrationStatus> {
  if (database === undefined) {
    return { applied: [], pending: migrations.map(({ name }) => name), changed: [], newer: [] }
  }
  const { migrationStatus } = await import('@millrace/db/migrate/migrate')
  return migrationStatus(database, migrations)
}

function listed(names: readonly string[]): string {
  return names.map((name) => `  ${name}`).join('\n')
}

function statusWords({ shownUrl }: ChosenDatabase, { applied, pending, changed, newer }: MigrationStatus): string {
  const groups: readonly (readonly [string, readonly string[]])[] = [
    ['applied', applied.map(({ name, at }) => `${name}  ${at.toISOString()}`)],
    ['pending (run `millrace migrate`)', pending],
    ['changed since they were applied (run `millrace migrate --accept-changed NAME`, or restore their text)', changed],
    ['newer than this version of millrace', newer],
  ]
  const shown = groups.filter(([, names]) => names.length > 0).map(([title, names]) => `${title}:\n${listed(names)}`)
  return [shownUrl, ...shown].join('\n')
}
