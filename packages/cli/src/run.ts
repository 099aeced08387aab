import { CommanderError } from 'commander'
import { findDirectories } from './directories.ts'
import { loadEnvironment, type Environment } from './environment.ts'
import { asFailure, Failure, Interrupted } from './failure.ts'
import { createLifetime } from './lifetime.ts'
import { createOutput, showsColors } from './output.ts'
import { createProgram, usageFailure } from './program.ts'

/** Why the result could not be written. */
let outputFault: Error | undefined
// A reader that went away (`millrace … | head -1`) is no reason to leave work half done: what it misses is dropped.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') outputFault ??= error
})
// Without a listener, a closed standard error would end the process.
process.stderr.on('error', () => undefined)

const endedWith = await main(process.argv.slice(2))
await flushed(process.stdout)
if (outputFault !== undefined && endedWith === 0) tellUnwritten(outputFault)
await flushed(process.stderr)
process.exit(outputFault === undefined ? endedWith : endedWith || 1)

/** A pipe holds 64 KiB, and `exit` would drop what a slower reader has not taken yet. A reader that went away takes nothing. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}

/** A result that nobody can read is none, as on a full disk. */
function tellUnwritten(error: Error): void {
  const failure = new Failure('internal', {
    what: 'The result cannot be written to standard output.',
    why: error.message,
    fix: 'The work itself was done. Check where standard output goes and the free space there.',
  })
  createOutput({ stdout: process.stderr, stderr: process.stderr }, false).failure(failure)
}

/** With `--out -` standard output is the archive's alone, and what the command says goes beside it. */
function isArchiveOutput(options: readonly string[]): boolean {
  return options.some((option, at) => option === '--out=-' || (option === '-' && options[at - 1] === '--out'))
}

async function main(args: readonly string[]): Promise<number> {
  const ends = args.indexOf('--')
  const options = args.slice(0, ends === -1 ? undefined : ends)
  const isJson = options.includes('--json')
  const streams = { stdout: process.stdout, stderr: process.stderr }
  const output = createOutput(isArchiveOutput(options) ? { ...streams, stdout: process.stderr } : streams, isJson)
  const directories = findDirectories(process.cwd(), process.env['INIT_CWD'])
  const lifetime = createLifetime()
  let environment: Environment | undefined
  const context = {
    output,
    directories,
    lifetime,
    environment: () =>
      (environment ??= loadEnvironment(process.env, directories, (words) => output.note(`warning: ${words}`))),
  }
  let exitCode = 0
  const program = createProgram({
    streams: process,
    isJson,
    isColored: !isJson && showsColors(process.stdout),
    run: async (work) => {
      exitCode = await lifetime.run(() => work(context))
    },
  })
  try {
    // No option takes it for its value.
    await program.parseAsync(
      args.filter((arg, position) => arg !== '--json' || (ends !== -1 && position > ends)),
      { from: 'user' },
    )
    return exitCode
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode
    const failure = error instanceof CommanderError ? usageFailure(error, program) : asFailure(error)
    if (failure === undefined) return 0
    output.failure(failure)
    return failure.exitCode
  }
}
