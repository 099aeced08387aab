import type { Command } from 'commander'
import type { CopyOptions } from '../archive/copy.ts'
import { startMoving } from '../archive/moving.ts'
import type { AddCommand } from '../command.ts'
import { parseGiven } from '../options.ts'

const examples = `
Copies one snapshot of the source into an empty database, then compares the digests of both, as a restore does. It
only reads from the source.

Legacy import: the source can also be a database of a Python engine that uses SQLAlchemy. All rows are checked first,
and nothing is written while one of them is invalid. With --quarantine, invalid rows go into a file and the others are copied.

Examples:
  millrace copy --from sqlite:///./workflows.db --to postgresql://user:password@127.0.0.1:5432/workflows
  millrace copy --from "$OLD_URL" --to "$NEW_URL" --resume
  millrace copy --from sqlite:///./python.db --to "$NEW_URL" --quarantine refused.ndjson`

export const copyCommand: AddCommand = (parent: Command, run) => {
  parent
    .command('copy')
    .description('copy everything from one database to another')
    .requiredOption('--from <url>', 'the database to read (required)', parseGiven)
    .requiredOption('--to <url>', 'the database to write to; it must be empty (required)', parseGiven)
    .option('--resume', 'continue an interrupted copy from the same source')
    .option('--quarantine <file>', 'a file for the rows that are invalid')
    .option('--force', 'overwrite the quarantine file if it exists')
    .addHelpText('after', examples)
    .action((options: CopyOptions) =>
      run(async (context) => {
        startMoving()
        return (await import('../archive/copy.ts')).copy(context, options)
      }),
    )
}
