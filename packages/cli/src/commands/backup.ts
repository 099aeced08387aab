import { Option } from 'commander'
import type { Command } from 'commander'
import type { BackupOptions } from '../archive/backup.ts'
import type { FetchOptions } from '../archive/fetch.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'
import { Failure } from '../failure.ts'
import { withDatabaseOption } from '../options.ts'

const examples = `
One consistent snapshot of all tables, whatever is written meanwhile: NDJSON, gzipped, and encrypted with age where there
is a recipient. The table backups notes it.

Examples:
  millrace backup --out workflows.millrace --recipient age1…
  millrace backup --out - --recipient age1… | ssh backup-host 'cat > workflows.millrace'
  millrace backup --out workflows.millrace --json | jq .tables`

const fetchExamples = `
An administrator's API key with the scope admin is read from MILLRACE_API_KEY. --out names the file, and --force replaces
one that is there; what arrives is compared with the SHA-256 that was recorded.

Examples:
  millrace backup fetch latest --out latest.millrace --url https://millrace.example.workers.dev
  millrace backup fetch 2026-01-31T033000Z --out monday.millrace --url https://millrace.example.workers.dev`

interface GivenOptions extends Omit<BackupOptions, 'out'> {
  readonly out?: string
}

export const backupCommand: AddCommand = (parent: Command, run) => {
  const command = withDatabaseOption(
    parent.command('backup').description('write a consistent snapshot of the database as one archive'),
  )
    // Required by the action below: what the parser requires here, it would require before `fetch` too.
    .option('--out <file>', 'the file to write, which must not be there yet; - is standard output (required)')
    .addOption(
      new Option('--recipient <age1…>', 'encrypt for this age key (repeatable; default: BACKUP_RECIPIENTS)')
        .argParser((recipient: string, recipients: readonly string[]) => [...recipients, recipient])
        .default([], 'BACKUP_RECIPIENTS'),
    )
    .addOption(
      new Option(
        '--consistency <kind>',
        'snapshot: one moment; table: table by table, where the platform ends a transaction too early',
      )
        .choices(['snapshot', 'table'])
        .default('snapshot'),
    )
    .option('--force', 'replace the file when it is there')
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
    .description('a scheduled backup from a deployment, streamed; <name> may be latest')
    .requiredOption('--out <file>', 'the file to write, which must not be there yet; - is standard output')
    .requiredOption('--url <url>', 'of the deployment')
    .option('--force', 'replace the file when it is there')
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
