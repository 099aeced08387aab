import type { Command } from 'commander'
import type { AddCommand } from '../command.ts'
import { refuseTwoPlaces, withUrlOption, type PlaceOptions } from '../deployment/options.ts'
import { withDatabaseOption } from '../options.ts'
import type { Context } from '../context.ts'

interface StatusOptions extends PlaceOptions {
  readonly dev?: boolean
}

const examples = `
Changes nothing, and also works while a restore is running. Exits with 1 if a check of the production checklist fails;
\`millrace doctor\` shows the whole checklist. With --url, the API key needs the scope admin, and executions are counted
only if METRICS_TOKEN is set.

Examples:
  millrace status
  millrace status --dev
  millrace status --url https://millrace.example.workers.dev --json | jq .lastBackup`

export const statusCommand: AddCommand = (parent: Command, run) => {
  withUrlOption(
    withDatabaseOption(
      parent
        .command('status')
        .description('show version, schema, executions, last backup and the most serious finding'),
    ),
  )
    .option('--dev', 'report production-only failures as warnings')
    .addHelpText('after', examples)
    .action((options: StatusOptions) => run((context) => status(context, options)))
}

async function status(context: Context, options: StatusOptions): Promise<number> {
  refuseTwoPlaces(options)
  const isDevelopment = options.dev === true
  const { statusWords } = await import('../status/words.ts')
  const { shown, status: found } =
    options.url === undefined
      ? await (await import('../status/database.ts')).databaseStatus(context, options.database, isDevelopment)
      : await (await import('../status/deployment.ts')).deploymentStatus(context, options.url, isDevelopment)
  context.output.result(found, statusWords(shown, found, context.output.isColored))
  return found.ok ? 0 : 1
}
