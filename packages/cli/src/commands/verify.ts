import type { Command } from 'commander'
import type { VerifyOptions } from '../archive/verify.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'

const examples = `
Exits with 1 if the archive is damaged, and names each problem with its line.

Examples:
  millrace verify workflows.millrace
  millrace verify workflows.millrace --identity ~/backup-identity.txt --json | jq .tables`

export const verifyCommand: AddCommand = (parent: Command, run) => {
  parent
    .command('verify <file>')
    .description('check that an archive is complete and undamaged; the file - is standard input')
    .option('--identity <file>', 'a file with the AGE-SECRET-KEY-… line that decrypts it (default: BACKUP_IDENTITY)')
    .addHelpText('after', examples)
    .action((file: string, options: VerifyOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/verify.ts')).verify(context, file, options)
      }),
    )
}
