import type { Settings } from '@millrace/api/settings'
import type { ChosenDatabase } from './connection.ts'
import type { Context } from './context.ts'
import { Failure } from './failure.ts'

/**
 * The settings with nothing of the environment but that one variable: for a command that is not to fail for the others.
 * Throws a Failure where it is wrong.
 */
export async function withOneSetting(context: Context, { url }: ChosenDatabase, variable: string): Promise<Settings> {
  const { parseSettings } = await import('@millrace/api/settings')
  const parsed = parseSettings({ DATABASE_URL: url, [variable]: context.environment()[variable] }, {})
  if (parsed.ok) return parsed.settings
  throw new Failure('settings_invalid', {
    what: `${variable} is wrong.`,
    why: parsed.problems.map(({ why }) => why).join('\n'),
    fix: parsed.problems.map(({ fix }) => fix).join('\n'),
  })
}
