import { parseSettings, type Environment, type SettingProblem, type Settings } from '@millrace/api/settings'
import { checkOf } from '@millrace/api/checklist/settings'
import { defaultUrl } from '../connection.ts'
import { Failure } from '../failure.ts'

export interface ReadSettings {
  /** As far as they could be read: what has a problem counts as absent. */
  readonly settings: Settings
  readonly problems: readonly SettingProblem[]
  readonly notices: readonly string[]
}

/**
 * Reads the settings that are right beside those that are wrong, so that the checklist goes on with them.
 * @throws Failure `settings_invalid` with all that is wrong and that no check tells of
 */
export function readSettings(environment: Environment, databaseGivenBy: string): ReadSettings {
  const parsed = parseSettings(environment, { databaseGivenBy })
  if (parsed.ok) return { ...parsed, problems: [] }
  const untold = parsed.problems.filter((problem) => checkOf(problem) === undefined)
  if (untold.length > 0) throw settingsFailure(untold)
  const wrong = new Set(parsed.problems.map(({ variable }) => variable))
  const right = Object.fromEntries(Object.entries(environment).filter(([variable]) => !wrong.has(variable)))
  const rest = parseSettings(wrong.has('DATABASE_URL') ? withoutDatabase(right) : right, { databaseGivenBy })
  if (!rest.ok) throw settingsFailure(rest.problems)
  return { ...rest, problems: parsed.problems }
}

/** Something has to stand for the database that can't be known; nobody opens it. */
function withoutDatabase({ DATABASE_READ_URL: _replica, ...others }: Environment): Environment {
  return { ...others, DATABASE_URL: defaultUrl }
}

function settingsFailure(problems: readonly SettingProblem[]): Failure {
  return new Failure('settings_invalid', {
    what: 'The settings are wrong.',
    why: problems.map(({ variable, why }) => `${variable}: ${why}`).join('\n'),
    fix: problems.map(({ variable, fix }) => `${variable}: ${fix}`).join(' '),
  })
}
