import { Option, type Command } from 'commander'
import type { BackupOptions } from '../archive/backup.ts'
import type { FetchOptions } from '../archive/fetch.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'
import { Failure } from '../failure.ts'
import { withDatabaseOption } from '../options.ts'

const examples = `
Writes one consistent snapshot of all tables; the service may go on writing meanwhile. The archive is gzipped NDJSON,
encrypted with age if a recipient is given. The backup is recorded in the table \`backups\`.

Examples:
  millrace backup --out workflows.millrace --recipient age1…
  millrace backup --out - --recipient age1… | ssh backup-host 'cat > workflows.millrace'
  millrace backup --out workflows.millrace --json | jq .tables`

const fetchExamples = `
Downloads a scheduled backup and compares it with the SHA-256 recorded when it was taken. Reads the API key of an
administrator, with the scope admin, from MILLRACE_API_KEY.

Examples:
  millrace backup fetch latest --out latest.millrace --url https://millrace.example.workers.dev
  millrace backup fetch 2026-01-31T033000Z --out monday.millrace --url https://millrace.example.workers.dev`

interface GivenOptions extends Omit<BackupOptions, 'out'> {
  readonly out?: string
}

export const backupCommand: AddCommand = (parent: Command, run) => {
  const command = withDatabaseOption(
    parent.command('backup').description('write a consistent snapshot of the database to one file'),
  )
    // Required by the action below: what the parser requires here, it would require before `fetch` too.
    .option('--out <file>', 'the file to write, or - for standard output (required)')
    .addOption(
      new Option('--recipient <age1…>', 'encrypt for this age public key (repeatable)')
        .argParser((recipient: string, recipients: readonly string[]) => [...recipients, recipient])
        .default([], 'BACKUP_RECIPIENTS'),
    )
    .addOption(
      new Option(
        '--consistency <kind>',
        'snapshot: all tables at one moment; table: one table after another, for platforms that limit the length of a transaction',
      )
        .choices(['snapshot', 'table'])
        .default('snapshot'),
    )
    .option('--force', 'overwrite the file if it exists')
    .addHelpText('after', examples)
    .action(({ out, ...options }: GivenOptions) =>
      run(async (context) => {
        if (out === undefined) throw outMissing()
        startMoving()
        return (await import('../archive/backup.ts')).backup(context, { ...options, out })
      }),
    )
  command
    .command('fetch <name>')
    .description('download a scheduled backup from a deployment; <name> can be latest')
    .requiredOption('--out <file>', 'the file to write, or - for standard output (required)')
    .requiredOption('--url <url>', 'the URL of the deployment (required)')
    .option('--force', 'overwrite the file if it exists')
    .addHelpText('after', fetchExamples)
    .action((name: string, options: FetchOptions) =>
      run(async (context) => (await import('../archive/fetch.ts')).fetchBackup(context, name, options)),
    )
}

function outMissing(): Failure {
  return new Failure('usage', {
    what: 'The arguments are wrong.',
    why: "required option '--out <file>' not specified",
    fix: 'Run `millrace backup --help`.',
  })
}
