import { styleText } from 'node:util'
import { version } from '@millrace/api/version'
import { redactUrl } from '@millrace/db/url'
import { Command, type CommanderError } from 'commander'
import type { AddCommand, RunAction } from './command.ts'
import { apiKeyCommand } from './commands/api-key.ts'
import { backupCommand } from './commands/backup.ts'
import { completionCommand } from './commands/completion.ts'
import { copyCommand } from './commands/copy.ts'
import { deployCommand } from './commands/deploy.ts'
import { devCommand } from './commands/dev.ts'
import { doctorCommand } from './commands/doctor.ts'
import { drillCommand } from './commands/drill.ts'
import { exportCommand } from './commands/export.ts'
import { gatewayCommand } from './commands/gateway.ts'
import { importCommand } from './commands/import.ts'
import { keysCommand } from './commands/keys.ts'
import { migrateCommand } from './commands/migrate.ts'
import { restoreCommand } from './commands/restore.ts'
import { secretsCommand } from './commands/secrets.ts'
import { serveCommand } from './commands/serve.ts'
import { statusCommand } from './commands/status.ts'
import { userCommand } from './commands/user.ts'
import { verifyCommand } from './commands/verify.ts'
import { Failure } from './failure.ts'
import type { OutputStreams } from './output.ts'

interface Task {
  readonly heading: string
  readonly commands: readonly AddCommand[]
}

/** The commands by what people want to do, as the help lists them. */
const tasks: readonly Task[] = [
  { heading: 'Run:', commands: [devCommand, serveCommand, gatewayCommand, deployCommand] },
  { heading: 'Schema and health:', commands: [migrateCommand, statusCommand, doctorCommand] },
  { heading: 'Workflows as files:', commands: [importCommand, exportCommand] },
  { heading: 'Backups:', commands: [backupCommand, verifyCommand, restoreCommand, drillCommand] },
  { heading: 'Moving:', commands: [copyCommand] },
  { heading: 'Users and keys:', commands: [userCommand, apiKeyCommand, secretsCommand, keysCommand] },
  { heading: 'This program:', commands: [completionCommand] },
]

export interface ProgramSettings {
  readonly streams: OutputStreams
  readonly isJson: boolean
  readonly isColored?: boolean
  readonly run: RunAction
}

const jsonDescription = 'print the result as one JSON document'

/** The whole command line. Parsing throws a CommanderError for help, version and wrong arguments. */
export function createProgram({ streams, isJson, isColored = false, run }: ProgramSettings): Command {
  const bold = (title: string) => (isColored ? styleText('bold', title, { validateStream: false }) : title)
  const program = new Command('millrace')
  const helpParts: string[] = []
  program
    .description('Millrace stores the workflows, versions and executions of a workflow engine in any SQL database.')
    .option('--json', jsonDescription)
    .version(isJson ? JSON.stringify({ version }) : version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    // An option belongs to the command that it follows, and no other takes it.
    .enablePositionalOptions()
    .configureHelp({ styleTitle: (title) => bold(title) })
    .configureOutput({
      writeOut: (text) => {
        // The help comes in parts: what commander makes of the options, then the examples.
        if (isJson && !text.startsWith('{')) helpParts.push(text)
        else streams.stdout.write(text)
      },
      // Wrong arguments are reported as every error is, in three lines or as a document.
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHasColors: () => isColored,
    })
    .exitOverride((error) => {
      if (helpParts.length > 0) streams.stdout.write(helpDocument(helpParts.splice(0).join('')))
      throw error
    })
    .addHelpText(
      'after',
      `
Exit codes: 0 success, 1 the command failed or a check found a problem, 2 wrong arguments or settings.

Examples:
  millrace dev
  DATABASE_URL=postgresql://user:password@127.0.0.1:5432/workflows millrace migrate
  millrace import ./flows --owner ada`,
    )
  for (const { heading, commands } of tasks) {
    program.commandsGroup(heading)
    for (const add of commands) add(program, run)
  }
  addHelp(program)
  for (const command of program.commands) acceptJson(command)
  return program
}

/** In place of commander's own, which knows no `help migrate status` and says of an unknown command that one is missing. */
function addHelp(program: Command): void {
  program.helpCommand(false)
  program
    .command('help [command...]')
    .description('show the help of a command')
    .action((names: readonly string[]) => {
      let found = program
      for (const name of names) {
        const child = found.commands.find((command) => command.name() === name || command.aliases().includes(name))
        if (child === undefined) program.error(`error: unknown command '${name}'`, { code: 'commander.unknownCommand' })
        found = child
      }
      found.help()
    })
}

function acceptJson(command: Command): void {
  command.option('--json', jsonDescription)
  if (command.commands.length > 0) command.helpCommand('help [command]', 'show the help of a command')
  for (const child of command.commands) acceptJson(child)
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
  const [why = error.message, hint] = withoutValues(error.message.replace(/^error: /, '')).split('\n')
  return new Failure('usage', {
    what: 'The arguments are wrong.',
    why: hint === undefined ? why : `${why} ${hint}`,
    fix: `Run \`${command} --help\`.`,
  })
}

/** What was typed in the wrong place may be a password, or a URL with one. */
function withoutValues(message: string): string {
  return message
    .replace(/'(--?[\w-]+)=[^\n]*'/s, "'$1=***'")
    .replace(/( but got \d+): .*\.$/s, '$1.')
    .replaceAll(/[a-z][\w+.-]*:\/\/[^\n]*(?=')/gi, redactUrl)
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
  return names.filter((name) => name !== 'help')
}

function subcommandNames(program: Command): string[] {
  return deepestCommand(program)
    .commands.map((command) => command.name())
    .filter((name) => name !== 'help')
}
