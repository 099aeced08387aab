import type { Command } from 'commander'
import type { RestoreOptions } from '../archive/restore.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'
import { withDatabaseOption } from '../options.ts'

const examples = `
Verifies the whole file before it writes the first row, and compares the database with the archive at the end. Until then
the database is marked, and the API answers no requests from it.

Examples:
  millrace restore workflows.millrace --database postgresql://user:password@127.0.0.1:5432/workflows
  millrace restore workflows.millrace --identity ~/backup-identity.txt
  millrace restore workflows.millrace --resume
  millrace restore --abandon`

export const restoreCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(
    parent
      .command('restore [file]')
      .description('restore an archive into an empty database of any kind; the file - is standard input'),
  )
    .option('--identity <file>', 'a file with the AGE-SECRET-KEY-… line that decrypts it (default: BACKUP_IDENTITY)')
    .option('--resume', 'continue an interrupted restore of the same archive')
    .option('--abandon', 'empty the tables of an interrupted restore and remove its mark')
    .addHelpText('after', examples)
    .action((file: string | undefined, options: RestoreOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/restore.ts')).restore(context, file, options)
      }),
    )
}
