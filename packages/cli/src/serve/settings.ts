import { parseSettings, type SettingProblem, type Settings } from '@millrace/api/settings'
import type { BackupBucket } from '@millrace/api/backups/bucket'
import { DatabaseError } from '@millrace/db/sql/errors'
import { readBackupPlace } from '@millrace/server/bucket/open'
import { envSafeUrl } from '../dev/env-file.ts'
import { chooseDatabase, isMissingFile, withAbsoluteFiles, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { settingsOnly } from '../environment.ts'
import { Failure, settingsFailure } from '../failure.ts'

export interface ServeSettings {
  readonly chosen: ChosenDatabase
  readonly settings: Settings
  readonly bucket: BackupBucket | undefined
}

/**
 * All that production needs, of the settings and of the database, checked together.
 * @param pending The migrations that the database lacks; undefined where they are about to be applied
 * @param checksPlace Whether BACKUP_TO is tried: not by those that the first process starts, which has done so
 * @throws Failure that lists all that is wrong
 */
export async function readServeSettings(
  context: Context,
  databaseOption: string | undefined,
  pending: ((chosen: ChosenDatabase) => Promise<readonly string[]>) | undefined,
  { checksPlace }: { readonly checksPlace: boolean },
): Promise<ServeSettings> {
  const chosen = chooseDatabase(context, databaseOption)
  if (chosen.target.via === 'd1') throw cannotServeD1(chosen.shownUrl)
  const environment = context.environment()
  const { caller } = context.directories
  const given = { ...settingsOnly(environment), DATABASE_URL: envSafeUrl(chosen.url) }
  const parsed = parseSettings(given, { needsAuthKeys: true, needsGateway: false })
  const place = readBackupPlace(environment, caller)
  const problems: SettingProblem[] = [...(parsed.ok ? [] : parsed.problems), ...(place.ok ? [] : place.problems)]
  if (parsed.ok) problems.push(...replicaProblems(parsed.settings, caller))
  if (place.ok && checksPlace) problems.push(...((await place.check?.()) ?? []))
  const missing = await pendingOr(pending, chosen, problems)
  if (problems.length > 0) throw settingsFailure([...problems, ...missing.map(asProblem)])
  const [first] = missing
  if (first !== undefined) throw new Failure('database_schema_outdated', first)
  if (!parsed.ok || !place.ok) throw new TypeError('what is wrong has been told')
  const { settings } = parsed
  const files = (target: Settings['database']) => withAbsoluteFiles(target, caller)
  const readDatabase = settings.readDatabase === undefined ? undefined : files(settings.readDatabase)
  return { chosen, settings: { ...settings, database: chosen.target, readDatabase }, bucket: place.bucket }
}

/** Opening a SQLite file that is not there would make it, and lists would be answered from an empty one. */
function replicaProblems({ readDatabase }: Settings, callerDirectory: string): readonly SettingProblem[] {
  if (readDatabase === undefined) return []
  const target = withAbsoluteFiles(readDatabase, callerDirectory)
  if (target.via !== 'file' || !isMissingFile(target)) return []
  return [
    {
      variable: 'DATABASE_READ_URL',
      why: `the SQLite file ${target.path} does not exist`,
      fix: 'Correct the path, or unset it: then every read goes to DATABASE_URL.',
    },
  ]
}

/** Only a Worker has bindings, and one request to Cloudflare's API for each statement would be no service. */
function cannotServeD1(shownUrl: string): Failure {
  return new Failure('settings_invalid', {
    what: '`millrace serve` does not serve a D1 database.',
    why: `${shownUrl} is a binding, which only a Worker has.`,
    fix: 'Run `millrace dev` on your machine or `millrace deploy` for Cloudflare, or serve a SQLite file: --database sqlite:///./workflows.db.',
  })
}

interface Words {
  readonly what: string
  readonly why: string
  readonly fix: string
}

/** What the database lacks. One that can't be asked is an error by itself, unless the settings are wrong too. */
async function pendingOr(
  pending: ((chosen: ChosenDatabase) => Promise<readonly string[]>) | undefined,
  chosen: ChosenDatabase,
  problems: readonly SettingProblem[],
): Promise<readonly Words[]> {
  if (pending === undefined) return []
  try {
    const names = await pending(chosen)
    if (names.length === 0) return []
    return [
      {
        what: 'The database lacks migrations.',
        why: `It has not: ${names.join(', ')}.`,
        fix: 'Run `millrace migrate`, or start with --migrate.',
      },
    ]
  } catch (thrown) {
    const isKnown = thrown instanceof DatabaseError || thrown instanceof Failure
    if (problems.length === 0 || !isKnown) throw thrown
    const words = thrown instanceof Failure ? thrown.words : { what: '', why: thrown.message, fix: thrown.fix }
    return [words]
  }
}

function asProblem({ why, fix }: Words): SettingProblem {
  return { variable: 'DATABASE_URL', why, fix }
}
