import type { Command } from 'commander'
import type { DrillOptions } from '../archive/drill.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'

const examples = `
Restores into a scratch database that is removed at the end: a backup that was never restored is a hope.

Examples:
  millrace drill workflows.millrace
  millrace drill workflows.millrace --identity ~/backup-identity.txt --database "$DATABASE_URL"`

export const drillCommand: AddCommand = (parent: Command, run) => {
  parent
    .command('drill <file>')
    .description('restore an archive for trial and look at the result')
    .option('--identity <file>', 'the file with the AGE-SECRET-KEY-… line that opens it (default: BACKUP_IDENTITY)')
    .option('--database <url>', 'the database whose table backups notes the result')
    .addHelpText('after', examples)
    .action((file: string, options: DrillOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/drill.ts')).drill(context, file, options)
      }),
    )
}
