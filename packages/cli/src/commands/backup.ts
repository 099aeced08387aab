import { Option } from 'commander'
import type { Command } from 'commander'
import type { BackupOptions } from '../archive/backup.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'
import { withDatabaseOption } from '../options.ts'

const examples = `
One consistent snapshot of all tables, whatever is written meanwhile: NDJSON, gzipped, and encrypted with age where there
is a recipient. The table backups notes it.

Examples:
  millrace backup --out workflows.millrace --recipient age1…
  millrace backup --out - --recipient age1… | ssh backup-host 'cat > workflows.millrace'
  millrace backup --out workflows.millrace --json | jq .tables`

export const backupCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(parent.command('backup').description('write a consistent snapshot of the database as one archive'))
    .requiredOption('--out <file>', 'the file to write, which must not be there yet; - is standard output')
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
    .action((options: BackupOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/backup.ts')).backup(context, options)
      }),
    )
}
