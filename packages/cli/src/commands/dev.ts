import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { endWithStarter } from '../ancestors.ts'
import { chooseDatabase, loadDrivers, needsGateway, openGateway, refuseMissingFile } from '../connection.ts'
import type { ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { envFileText, envSafeUrl } from '../dev/env-file.ts'
import { exampleCommand, readOnlyExampleCommand } from '../dev/example.ts'
import { endLeftovers, envFilePath, removeRunRecord, writeRunRecord } from '../dev/leftovers.ts'
import { developmentSecrets, makeStateDirectory, writePrivateFile } from '../dev/state.ts'
import { findDocs, startWorker, untilReady, workerFailure } from '../dev/worker.ts'
import type { Worker } from '../dev/worker.ts'
import { settingsOnly } from '../environment.ts'
import { settingsFailure } from '../failure.ts'
import { gatewayLog } from '../gateway-log.ts'
import { untilInterrupted } from '../lifetime.ts'
import { readableLine } from '../log-lines.ts'
import { readMigrations } from '../migrations.ts'
import { parsePort, withDatabaseOption } from '../options.ts'
import { authority, claimablePort, reachableHost } from '../ports.ts'
import type { AddCommand } from '../command.ts'
import type { Database } from '@millrace/db/store/database'
import { newServiceSecrets } from '../secrets.ts'
import { noteProgress } from './migrate.ts'

interface DevOptions {
  readonly database?: string
  readonly host: string
  readonly port: number
  readonly gatewayPort: number
  readonly state: string
}

const examples = `
Starts the gateway, migrates, makes development secrets where none are set (kept in --state, never in git) and runs the
functions in wrangler. Ctrl-C, SIGTERM, or the end of the process that started it, ends all of it.

Examples:
  millrace dev
  millrace dev --port 9000
  DATABASE_URL=mysql://user:password@127.0.0.1:3306/workflows millrace dev`

export const devCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(parent.command('dev').description('run everything on this machine, with one command'))
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <number>', 'the port of the functions; 0 is a free one', parsePort, 8787)
    .option('--gateway-port <number>', 'the port of the gateway; 0 is a free one', parsePort, 0)
    .option('--state <dir>', 'where secrets and local state are kept', '.millrace')
    .addHelpText('after', examples)
    .action((options: DevOptions) => run((context) => dev(context, options)))
}

const gatewayHost = '127.0.0.1'

interface Plan {
  readonly chosen: ChosenDatabase
  readonly replica: ChosenDatabase | undefined
  readonly settings: Readonly<Record<string, string>>
  readonly stateDirectory: string
  readonly host: string
  readonly port: number
  readonly gatewayPort: number
  readonly url: string
}

async function dev(context: Context, options: DevOptions): Promise<number> {
  const plan = await makePlan(context, options)
  endWithStarter(context.lifetime)
  makeStateDirectory(plan.stateDirectory)
  const gatewayUrl = await startDatabase(context, plan)
  const worker = startFunctions(context, plan, gatewayUrl, await startReplica(context, plan))
  await untilReady(worker, plan.url, context.lifetime.interruption)
  await announce(context, plan, gatewayUrl)
  worker.showLog()
  const exitCode = await Promise.race([worker.ended, untilInterrupted(context.lifetime.interruption)])
  if (typeof exitCode === 'number' && !context.lifetime.interruption.aborted) throw workerFailure(worker, exitCode)
  return 0
}

/** Everything that can be found wrong is found here, before anything is started or written. */
async function makePlan(context: Context, options: DevOptions): Promise<Plan> {
  const chosen = chooseDatabase(context, options.database)
  const replica = chooseReplica(context)
  const settings = await functionSettings(context, chosen, replica)
  const stateDirectory = resolve(context.directories.caller, options.state)
  const ended = await endLeftovers(stateDirectory)
  if (ended > 0) context.output.note(`Ended ${ended} processes that an earlier \`millrace dev\` had left behind.`)
  const port = await claimablePort(options.host, options.port, '--port')
  const gatewayPort = needsGateway(chosen.target)
    ? await claimablePort(gatewayHost, options.gatewayPort, '--gateway-port')
    : 0
  const url = `http://${authority(reachableHost(options.host), port)}`
  return { chosen, replica, settings, stateDirectory, host: options.host, port, gatewayPort, url }
}

function chooseReplica(context: Context): ChosenDatabase | undefined {
  const url = context.environment()['DATABASE_READ_URL']
  if (url === undefined) return undefined
  const replica = chooseDatabase(context, url)
  refuseMissingFile(replica)
  return replica
}

/** The functions' environment but for what dev makes itself. Throws a Failure that lists all that is wrong. */
async function functionSettings(
  context: Context,
  chosen: ChosenDatabase,
  replica: ChosenDatabase | undefined,
): Promise<Readonly<Record<string, string>>> {
  const { parseSettings } = await import('@millrace/api/settings')
  const {
    DATABASE_GATEWAY_URL: _own,
    DATABASE_READ_GATEWAY_URL: _replicas,
    ...given
  } = settingsOnly(context.environment())
  const settings = {
    ...given,
    DATABASE_URL: envSafeUrl(chosen.url),
    ...(replica === undefined ? {} : { DATABASE_READ_URL: envSafeUrl(replica.url) }),
  }
  const parsed = parseSettings({ ...newServiceSecrets(), ...settings }, { needsAuthKeys: true, needsGateway: false })
  if (parsed.ok) return settings
  throw settingsFailure(parsed.problems)
}

/** Starts the gateway where the database needs one, and migrates. Gives the gateway's URL. */
async function startDatabase(context: Context, { chosen, settings, gatewayPort }: Plan): Promise<string | null> {
  const { target } = chosen
  const gatewayToken = settings['DATABASE_GATEWAY_TOKEN']
  const openDatabase = await loadDrivers()
  if (!needsGateway(target)) {
    await bringUpToDate(context, await openDatabase({ target }))
    return null
  }
  const gateway = await openGateway(context, target, {
    host: gatewayHost,
    port: gatewayPort,
    token: gatewayToken,
    log: gatewayLog(context, { isForPeople: !context.output.isJson }),
  })
  await bringUpToDate(context, await openDatabase({ target, gatewayUrl: gateway.url, gatewayToken }))
  return gateway.url
}

/** Starts the replica's gateway where it needs one. Gives its URL. */
async function startReplica(context: Context, { replica, settings }: Plan): Promise<string | null> {
  if (replica === undefined || !needsGateway(replica.target)) return null
  const token = settings['DATABASE_GATEWAY_TOKEN']
  const log = gatewayLog(context, { isForPeople: !context.output.isJson })
  return (await openGateway(context, replica.target, { host: gatewayHost, port: 0, token, log, onlyReads: true })).url
}

async function bringUpToDate(context: Context, database: Database): Promise<void> {
  const migrations = readMigrations(context.directories.workspace, database.dialect.name)
  const { migrate } = await import('@millrace/db/migrate/migrate')
  await migrate(database, migrations, {
    signal: context.lifetime.interruption,
    onProgress: (progress) => noteProgress(context, progress),
  })
}

function startFunctions(
  context: Context,
  plan: Plan,
  gatewayUrl: string | null,
  readGatewayUrl: string | null,
): Worker {
  const { settings, stateDirectory, host, port } = plan
  const envFile = envFilePath(stateDirectory, port)
  const mark = randomUUID()
  const gateways = {
    ...(gatewayUrl === null ? {} : { DATABASE_GATEWAY_URL: gatewayUrl }),
    ...(readGatewayUrl === null ? {} : { DATABASE_READ_GATEWAY_URL: readGatewayUrl }),
  }
  writeRunRecord(stateDirectory, { mark, pid: process.pid, port })
  context.lifetime.defer(async () => removeRunRecord(stateDirectory, port))
  writePrivateFile(envFile, envFileText({ ...developmentSecrets(stateDirectory), ...settings, ...gateways }))
  const worker = startWorker({
    workspace: context.directories.workspace,
    stateDirectory,
    envFile,
    host,
    port,
    mark,
    log: (line) => noteLine(context, line),
  })
  context.lifetime.defer(() => worker.close())
  return worker
}

/** The functions' log: in words, with `--json` as it is. */
function noteLine({ output }: Context, line: string): void {
  const words = output.isJson ? line : readableLine(line, new Date())
  if (words !== undefined) output.note(words)
}

async function announce(context: Context, plan: Plan, gatewayUrl: string | null): Promise<void> {
  const { url, chosen, replica, settings } = plan
  const docsUrl = await findDocs(url)
  const example = settings['REGISTRATION'] === 'closed' ? readOnlyExampleCommand(url) : exampleCommand(url)
  const words = [
    `millrace is ready on ${url}`,
    `  database  ${chosen.shownUrl}`,
    ...(replica === undefined ? [] : [`  replica   ${replica.shownUrl}`]),
    ...(gatewayUrl === null ? [] : [`  gateway   ${gatewayUrl}`]),
    ...(docsUrl === null ? [] : [`  docs      ${docsUrl}`]),
    `  console   ${url}/console`,
    '',
    'Register a user and store a first workflow:',
    '',
    `  ${example}`,
    '',
    'Ctrl-C ends it.',
  ]
  context.output.result({ url, gatewayUrl, docsUrl, database: chosen.shownUrl }, words.join('\n'))
}
