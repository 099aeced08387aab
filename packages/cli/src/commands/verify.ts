import type { Command } from 'commander'
import type { VerifyOptions } from '../archive/verify.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'

const examples = `
Exit 1 when the archive is not whole: each problem is named with its line.

Examples:
  millrace verify workflows.millrace
  millrace verify workflows.millrace --identity ~/backup-identity.txt --json | jq .tables`

export const verifyCommand: AddCommand = (parent: Command, run) => {
  parent
    .command('verify <file>')
    .description('read an archive to its end and say whether it is whole; - is standard input')
    .option('--identity <file>', 'the file with the AGE-SECRET-KEY-… line that opens it (default: BACKUP_IDENTITY)')
    .addHelpText('after', examples)
    .action((file: string, options: VerifyOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/verify.ts')).verify(context, file, options)
      }),
    )
}
