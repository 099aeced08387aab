import { checkSettings } from '@millrace/api/checklist/settings'
import type { Settings } from '@millrace/api/settings'
import { createSecretSealer } from '@millrace/api/user-settings/sealing'
import { surveySecrets } from '@millrace/api/services/resealing'
import type { Database } from '@millrace/db/store/database'
import { checkGateway } from '@millrace/db/checklist/connection'
import { fail, type Finding } from '@millrace/db/checklist/finding'
import { arranged, checkDatabase } from '@millrace/db/checklist/run'
import type { MigrationState } from '@millrace/db/checklist/subject'
import { checkTarget } from '@millrace/db/checklist/target'
import { DatabaseError } from '@millrace/db/sql/errors'
import { migrationStatus } from '@millrace/db/migrate/migrate'
import type { Target } from '@millrace/db/url'
import { loadDrivers, needsGateway, withAbsoluteFiles } from '../connection.ts'
import type { Context } from '../context.ts'
import { join } from 'node:path'
import { runningDevs } from '../dev/leftovers.ts'
import { developmentSecrets } from '../dev/state.ts'
import { readMigrations } from '../migrations.ts'
import type { ServiceSecrets } from '../secrets.ts'
import { openUnchanged } from './open.ts'
import { readSettings } from './settings.ts'

const clock = () => new Date()

export interface ExamineOptions {
  /** Secrets and all. */
  readonly url: string
  /** `--database` or `DATABASE_URL` */
  readonly givenBy: string
  readonly isDevelopment: boolean
}

/** Runs the whole checklist, whatever fails on the way. Changes nothing. */
export async function examine(
  context: Context,
  { url, givenBy, isDevelopment }: ExamineOptions,
): Promise<readonly Finding[]> {
  const environment = { ...secretsOfDev(context), ...context.environment(), DATABASE_URL: url }
  const { settings, problems, notices } = readSettings(environment, givenBy)
  for (const notice of notices) context.output.noteOnce(notice)
  const findings = [...checkSettings(settings, problems)]
  if (!problems.some(({ variable }) => variable === 'DATABASE_URL')) {
    findings.push(...(await examineDatabase(context, settings)))
  }
  const obstacle = findings.find(({ id, level }) => level === 'fail' && obstacles.has(id))
  return arranged(findings, {
    isDevelopment,
    reason: `the database could not be asked (${obstacle?.id ?? 'reachable'}).`,
    fix: obstacle?.fix ?? '',
  })
}

/** Those that a `millrace dev` runs with which was started here: nobody has to set them. */
function secretsOfDev({ directories, output }: Context): Partial<ServiceSecrets> {
  const state = join(directories.caller, '.millrace')
  if (runningDevs(state).length === 0) return {}
  output.note('Using the development secrets of the running `millrace dev`.')
  return developmentSecrets(state)
}

const obstacles: ReadonlySet<Finding['id']> = new Set(['url', 'reachable', 'auth', 'database.exists', 'tls'])

async function examineDatabase(context: Context, settings: Settings): Promise<readonly Finding[]> {
  const { caller } = context.directories
  const target = withAbsoluteFiles(settings.database, caller)
  const byUrl = checkTarget(target)
  const opened = await openUnchanged(context, target)
  if (!opened.isOpen) return [byUrl, ...opened.findings]
  const { database } = opened
  const replica = await openReplica(context, settings.readDatabase && withAbsoluteFiles(settings.readDatabase, caller))
  const migrations = readMigrations(context.directories.workspace, target.dialect)
  const readState = async (): Promise<MigrationState> => {
    const { applied, ...others } = await migrationStatus(database, migrations)
    return { ...others, applied: applied.map(({ name }) => name) }
  }
  return [
    byUrl,
    ...(await checkDatabase({
      database,
      target,
      replica: replica.database,
      clock,
      sweepsEnded: settings.executionKeepMilliseconds !== undefined,
      readMigrations: readState,
    })),
    ...replica.findings,
    ...(await gatewayFindings(settings, target)),
    ...(await sealFindings(database, settings)),
  ]
}

interface OpenedReplica {
  readonly database: Database | undefined
  readonly findings: readonly Finding[]
}

async function openReplica(context: Context, target: Target | undefined): Promise<OpenedReplica> {
  if (target === undefined) return { database: undefined, findings: [] }
  const opened = await openUnchanged(context, target)
  if (opened.isOpen) return { database: opened.database, findings: [] }
  const broken = opened.findings.filter(({ level }) => level === 'fail')
  const findings = broken.map(({ message, fix }) => fail('replica', `The replica can't be read: ${message}`, fix))
  return { database: undefined, findings }
}

/** The functions go by a gateway of their own, which need not be the one that this command opened. */
async function gatewayFindings({ gatewayUrl, gatewayToken }: Settings, target: Target): Promise<readonly Finding[]> {
  if (gatewayUrl === undefined || !needsGateway(target)) return []
  const openDatabase = await loadDrivers()
  return [
    await checkGateway((await openDatabase({ target, gatewayUrl, gatewayToken, timeoutSeconds: 10 })).transport()),
  ]
}

/** Secrets of settings that none of SETTINGS_KEYS opens. */
async function sealFindings(database: Database, { settingsKeys }: Settings): Promise<readonly Finding[]> {
  try {
    const { missingKids } = await surveySecrets(database.store(), createSecretSealer(settingsKeys))
    if (missingKids.size === 0) return []
    const kids = [...missingKids].join(', ')
    return [
      fail(
        'secret.settings_keys',
        `Secrets in users' settings are encrypted with ${kids}, which SETTINGS_KEYS does not have: they cannot be decrypted.`,
        `Put ${kids} back into SETTINGS_KEYS, after the first; run \`millrace keys rotate\`, then it can be removed.`,
      ),
    ]
  } catch (thrown) {
    // What keeps the settings from being read is told by the checks of the database.
    if (thrown instanceof DatabaseError) return []
    throw thrown
  }
}
