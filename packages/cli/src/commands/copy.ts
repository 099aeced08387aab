import type { Command } from 'commander'
import type { CopyOptions } from '../archive/copy.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'

const examples = `
One snapshot of the source goes into the empty target, in constant memory, with the same proof as a restore's. The source
is only read.

A source that a Python engine made by SQLAlchemy is adopted: every row is checked before anything is written, and while
one is wrong nothing is. With --quarantine such rows are moved aside into a file, and the others adopted.

Examples:
  millrace copy --from sqlite:///./workflows.db --to postgresql://user:password@127.0.0.1:5432/workflows
  millrace copy --from "$OLD_URL" --to "$NEW_URL" --resume
  millrace copy --from sqlite:///./python.db --to "$NEW_URL" --quarantine refused.ndjson`

export const copyCommand: AddCommand = (parent: Command, run) => {
  parent
    .command('copy')
    .description('move everything from one database to another')
    .requiredOption('--from <url>', 'the database to read')
    .requiredOption('--to <url>', 'the database to write, empty or not made yet')
    .option('--resume', 'go on with a copy from the same source that was interrupted')
    .option('--quarantine <file>', 'where rows go that cannot be adopted from a database made elsewhere')
    .option('--force', 'replace the quarantine file')
    .addHelpText('after', examples)
    .action((options: CopyOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/copy.ts')).copy(context, options)
      }),
    )
}
