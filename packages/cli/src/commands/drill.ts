import type { Command } from 'commander'
import type { DrillOptions } from '../archive/drill.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'

const examples = `
Restores into a temporary SQLite database, checks the digests and references, and reads the workflows back through the
API's own code. The temporary database is removed at the end.

Examples:
  millrace drill workflows.millrace
  millrace drill workflows.millrace --identity ~/backup-identity.txt --database "$DATABASE_URL"`

export const drillCommand: AddCommand = (parent: Command, run) => {
  parent
    .command('drill <file>')
    .description('run a restore test: restore a backup into a temporary database')
    .option('--identity <file>', 'a file with the AGE-SECRET-KEY-… line that decrypts it (default: BACKUP_IDENTITY)')
    .option('--database <url>', 'the database that records the result in its table `backups`')
    .addHelpText('after', examples)
    .action((file: string, options: DrillOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/drill.ts')).drill(context, file, options)
      }),
    )
}
