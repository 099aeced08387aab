import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { CommanderError } from 'commander'
import type { AddCommand, RunAction } from './command.ts'
import { backupCommand } from './commands/backup.ts'
import { copyCommand } from './commands/copy.ts'
import { deployCommand } from './commands/deploy.ts'
import { devCommand } from './commands/dev.ts'
import { doctorCommand } from './commands/doctor.ts'
import { drillCommand } from './commands/drill.ts'
import { gatewayCommand } from './commands/gateway.ts'
import { importCommand } from './commands/import.ts'
import { keysCommand } from './commands/keys.ts'
import { migrateCommand } from './commands/migrate.ts'
import { restoreCommand } from './commands/restore.ts'
import { secretsCommand } from './commands/secrets.ts'
import { userCommand } from './commands/user.ts'
import { verifyCommand } from './commands/verify.ts'
import { Failure } from './failure.ts'
import type { OutputStreams } from './output.ts'

const commands: readonly AddCommand[] = [
  devCommand,
  migrateCommand,
  doctorCommand,
  importCommand,
  backupCommand,
  verifyCommand,
  restoreCommand,
  drillCommand,
  copyCommand,
  userCommand,
  keysCommand,
  secretsCommand,
  gatewayCommand,
  deployCommand,
]

/** millrace's version, as package.json has it. */
export function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const manifest: unknown = JSON.parse(text)
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) throw new Error('no version')
  return String(manifest.version)
}

export interface ProgramSettings {
  readonly streams: OutputStreams
  readonly isJson: boolean
  readonly run: RunAction
}

/** The whole command line. Parsing throws a CommanderError for help, version and wrong arguments. */
export function createProgram({ streams, isJson, run }: ProgramSettings): Command {
  const program = new Command('millrace')
  program
    .description("The storage of a workflow engine on any SQL database: millrace's deploy-step side.")
    .option('--json', 'print exactly one JSON document on standard output')
    .version(isJson ? JSON.stringify({ version: version() }) : version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => streams.stdout.write(isJson && !text.startsWith('{') ? helpDocument(text) : text),
      // Wrong arguments are reported as every error is, in three lines or as a document.
      writeErr: () => undefined,
      outputError: () => undefined,
    })
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 the work failed or a check found something, 2 wrong arguments or settings.

Examples:
  millrace dev
  DATABASE_URL=postgresql://user:password@127.0.0.1:5432/workflows millrace migrate
  millrace import ./flows --owner ada`,
    )
  for (const add of commands) add(program, run)
  return program
}

function helpDocument(help: string): string {
  return `${JSON.stringify({ help })}\n`
}

/** A CommanderError as a Failure; undefined when it only ended a `--help` or `--version`. */
export function usageFailure(error: CommanderError, program: Command): Failure | undefined {
  if (error.exitCode === 0) return undefined
  const command = program.args.length > 0 ? `millrace ${deepest(program).join(' ')}`.trim() : 'millrace'
  if (error.code === 'commander.help') {
    return new Failure('usage', {
      what: `\`${command}\` needs a command.`,
      why: `It has: ${subcommandNames(program).join(', ')}.`,
      fix: `Run \`${command} --help\`.`,
    })
  }
  const [why = error.message, hint] = error.message.replace(/^error: /, '').split('\n')
  return new Failure('usage', {
    what: 'The arguments are wrong.',
    why: hint === undefined ? why : `${why} ${hint}`,
    fix: `Run \`${command} --help\`.`,
  })
}

function deepestCommand(program: Command): Command {
  const child = program.commands.find(
    (command) => command.name() === program.args[0] || command.aliases().includes(program.args[0] ?? ''),
  )
  return child === undefined ? program : deepestCommand(child)
}

function deepest(program: Command): string[] {
  const command = deepestCommand(program)
  const names: string[] = []
  for (let at: Command | null = command; at !== null && at !== program; at = at.parent) names.unshift(at.name())
  return names
}

function subcommandNames(program: Command): string[] {
  return deepestCommand(program)
    .commands.map((command) => command.name())
    .filter((name) => name !== 'help')
}
