import type { NamedKey } from '@millrace/api/settings'
import type { Command } from 'commander'
import type { AddCommand } from '../command.ts'
import { chooseDatabase, connect, refuseMissing, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { withOneSetting } from '../one-setting.ts'
import { withDatabaseOption } from '../options.ts'
import { startProgress } from '../progress.ts'

const examples = `
To rotate SETTINGS_KEYS: put a new key before the old ones and deploy. Run this command with the same SETTINGS_KEYS. Then
remove the old keys and deploy again. The service can stay online, and an interrupted run can be repeated.

Examples:
  SETTINGS_KEYS=new:…,old:… millrace keys rotate
  millrace keys rotate --json`

export const keysCommand: AddCommand = (parent: Command, run) => {
  const keys = parent.command('keys').description('rotate the keys that encrypt the secrets in settings')
  keys.addHelpText('after', '\nExamples:\n  SETTINGS_KEYS=new:…,old:… millrace keys rotate')
  withDatabaseOption(
    keys.command('rotate').description("re-encrypt the secrets in users' settings with the first of SETTINGS_KEYS"),
  )
    .addHelpText('after', examples)
    .action((options: { readonly database?: string }) => run((context) => rotate(context, options.database)))
}

async function rotate(context: Context, databaseOption: string | undefined): Promise<number> {
  const chosen = chooseDatabase(context, databaseOption)
  refuseMissing(context, chosen)
  const keys = await readSettingsKeys(context, chosen)
  const { createSecretSealer } = await import('@millrace/api/user-settings/sealing')
  const { resealSecrets, surveySecrets } = await import('@millrace/api/services/resealing')
  const sealer = createSecretSealer(keys)
  const { database } = await connect(context, chosen)
  const { readiness } = await import('@millrace/db/store/readiness')
  // What a restore has yet to bring is not there to be resealed: none is not all.
  await readiness(database)
  const store = database.store()
  const { total, missingKids } = await surveySecrets(store, sealer)
  if (missingKids.size > 0) throw missingKeys(missingKids)
  const progress = startProgress(total, 'secrets')
  try {
    const done = await resealSecrets(store, sealer, {
      clock: () => new Date(),
      signal: context.lifetime.interruption,
      onSecrets: (count) => progress.advance(count, 0),
    })
    context.output.result(done, wordsOf(done.resealed, done.total, keys[0]?.kid ?? ''))
    return 0
  } finally {
    progress.end()
  }
}

function wordsOf(resealed: number, total: number, kid: string): string {
  const [some, all] = [resealed, total].map((count) => count.toLocaleString('en-US'))
  return `Resealed ${some} of ${all} secrets; each is now sealed under ${kid}, the first of SETTINGS_KEYS.`
}

async function readSettingsKeys(context: Context, chosen: ChosenDatabase): Promise<readonly NamedKey[]> {
  if (context.environment()['SETTINGS_KEYS'] === undefined) {
    throw new Failure('settings_invalid', {
      what: 'SETTINGS_KEYS is not set.',
      why: 'Secrets are resealed under its first key, and opened with the others.',
      fix: 'Set it as the functions have it; `millrace secrets new` prints a new key.',
    })
  }
  return (await withOneSetting(context, chosen, 'SETTINGS_KEYS')).settingsKeys
}

function missingKeys(kids: ReadonlySet<string>): Failure {
  const names = [...kids].join(', ')
  return new Failure('settings_invalid', {
    what: 'Some secrets cannot be opened.',
    why: `They are sealed under ${names}, which SETTINGS_KEYS does not have. Nothing was changed.`,
    fix: `Put ${names} back into SETTINGS_KEYS, after the first key.`,
  })
}
