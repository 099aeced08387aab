import type { Command } from 'commander'
import type { RestoreOptions } from '../archive/restore.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'
import { withDatabaseOption } from '../options.ts'

const examples = `
The whole file is verified before the first row is written. Until the database's own digests are the archive's it carries
a mark and serves nothing.

Examples:
  millrace restore workflows.millrace --database postgresql://user:password@127.0.0.1:5432/workflows
  millrace restore workflows.millrace --identity ~/backup-identity.txt
  millrace restore workflows.millrace --resume
  millrace restore --abandon`

export const restoreCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(
    parent
      .command('restore [file]')
      .description('write an archive into an empty database of any dialect; - is standard input'),
  )
    .option('--identity <file>', 'the file with the AGE-SECRET-KEY-… line that opens it (default: BACKUP_IDENTITY)')
    .option('--resume', 'go on with a restore of the same archive that was interrupted')
    .option('--abandon', 'empty the tables of an interrupted restore and lift its mark')
    .addHelpText('after', examples)
    .action((file: string | undefined, options: RestoreOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/restore.ts')).restore(context, file, options)
      }),
    )
}
