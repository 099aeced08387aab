import { randomBytes, randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { endWithStarter } from '../ancestors.ts'
import {
  chooseDatabase,
  connect,
  loadDrivers,
  needsGateway,
  openGateway,
  readDatabase,
  refuseMissingSource,
  type ChosenDatabase,
} from '../connection.ts'
import type { Context } from '../context.ts'
import { openD1 } from '../d1/open.ts'
import { beginBuild } from '../dev/build.ts'
import { envFileText, envSafeUrl } from '../dev/env-file.ts'
import { exampleCommand, readOnlyExampleCommand } from '../dev/example.ts'
import { endLeftovers, envFilePath, removeRunRecord, writeRunRecord } from '../dev/leftovers.ts'
import { developmentSecrets, makeStateDirectory, writePrivateFile } from '../dev/state.ts'
import { startReady } from '../dev/start-ready.ts'
import { findDocs, startWorker, workerFailure, type Worker } from '../dev/worker.ts'
import { settingsOnly } from '../environment.ts'
import { Failure, settingsFailure } from '../failure.ts'
import { gatewayLog } from '../gateway-log.ts'
import { bindingsOf, chooseBehindHyperdrive, localConnectionString, type LocalHyperdrive } from '../hyperdrive.ts'
import { untilInterrupted } from '../lifetime.ts'
import { readableLine } from '../log-lines.ts'
import { applyMigrations } from '../migrations.ts'
import { parseGiven, parsePort, withDatabaseOption } from '../options.ts'
import { claimNextPort } from '../dev/port-claim.ts'
import { authority, claimablePort, reachableHost } from '../ports.ts'
import type { AddCommand } from '../command.ts'
import type { Settings } from '@millrace/api/settings'
import { newServiceSecrets } from '../secrets.ts'
import { wranglerScript } from '../wrangler-program.ts'

interface DevOptions {
  readonly database?: string
  readonly host: string
  /** The usual one, or the next that is free, when absent. */
  readonly port?: number
  readonly gatewayPort: number
  readonly state: string
}

const usualPort = 8787

const examples = `
Starts the gateway, applies the migrations and runs the functions in wrangler. Secrets that are not set are generated and
kept in --state, which git ignores. Pages on this machine may call the API (CORS), and rate limits are 100 times higher.
Ctrl-C stops everything.

Examples:
  millrace dev
  millrace dev --port 9000
  DATABASE_URL=mysql://user:password@127.0.0.1:3306/workflows millrace dev
  DATABASE_URL=hyperdrive://HYPERDRIVE millrace dev --database postgresql://user:password@127.0.0.1:5432/workflows`

export const devCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(parent.command('dev').description('run everything on this machine'))
    .option('--host <address>', 'the address to listen on', parseGiven, '127.0.0.1')
    .option(
      '--port <number>',
      `the port of the API; 0 for any free port (default: ${usualPort}, or the next free one)`,
      parsePort,
    )
    .option('--gateway-port <number>', 'the port of the gateway; 0 for any free port', parsePort, 0)
    .option('--state <dir>', 'where secrets and local state are kept', '.millrace')
    .addHelpText('after', examples)
    .action((options: DevOptions) => run((context) => dev(context, options)))
}

const gatewayHost = '127.0.0.1'

interface Plan {
  readonly chosen: ChosenDatabase
  /** Where the functions reach it through a Hyperdrive binding. */
  readonly behind: LocalHyperdrive | undefined
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
  beginBuild(context.directories.workspace, context.lifetime)
  const gatewayUrl = await startDatabase(context, plan)
  const readGatewayUrl = await startReplica(context, plan)
  const worker = await startReady({
    url: plan.url,
    interruption: context.lifetime.interruption,
    note: (words) => context.output.note(words),
    start: () => startFunctions(context, plan, gatewayUrl, readGatewayUrl),
  })
  await announce(context, plan, gatewayUrl)
  worker.showLog()
  const exitCode = await Promise.race([worker.ended, untilInterrupted(context.lifetime.interruption)])
  if (typeof exitCode === 'number' && !context.lifetime.interruption.aborted) throw workerFailure(worker, exitCode)
  return 0
}

/** Everything that can be found wrong is found here, before anything is started or written. */
async function makePlan(context: Context, options: DevOptions): Promise<Plan> {
  wranglerScript()
  const behind = await chooseBehindHyperdrive(context, options.database)
  const chosen = behind?.chosen ?? chooseDatabase(context, options.database)
  const replica = chooseReplica(context)
  refuseDeployedD1(chosen)
  const settings = await functionSettings(context, { chosen, behind, replica })
  const stateDirectory = resolve(context.directories.caller, options.state)
  const ended = await endLeftovers(stateDirectory)
  if (ended > 0) context.output.note(`Stopped ${ended} processes that an earlier \`millrace dev\` had left behind.`)
  const port = await choosePort(context, options)
  const gatewayPort =
    behind === undefined && needsGateway(chosen.target)
      ? await claimablePort(gatewayHost, options.gatewayPort, '--gateway-port')
      : 0
  const url = `http://${authority(reachableHost(options.host), port)}`
  return { chosen, behind, replica, settings, stateDirectory, host: options.host, port, gatewayPort, url }
}

/** Its functions have the local database of the binding: migrating the deployed one is not what was meant. */
function refuseDeployedD1({ target, shownUrl }: ChosenDatabase): void {
  if (target.via !== 'd1' || target.databaseId === undefined) return
  throw new Failure('url_invalid', {
    what: '`millrace dev` does not serve a deployed D1 database.',
    why: `${shownUrl} names one by its id, and on this machine the functions have a local one.`,
    fix: `Leave the id out: d1://${target.binding}. \`millrace copy\` brings the rows of the deployed one into it.`,
  })
}

async function choosePort(context: Context, { host, port }: DevOptions): Promise<number> {
  if (port !== undefined) return claimablePort(host, port, '--port')
  const claim = await claimNextPort(host, usualPort, '--port')
  context.lifetime.defer(async () => claim.release())
  if (claim.port !== usualPort) context.output.note(`Port ${usualPort} is taken: using ${claim.port}.`)
  return claim.port
}

function chooseReplica(context: Context): ChosenDatabase | undefined {
  const url = context.environment()['DATABASE_READ_URL']
  if (url === undefined) return undefined
  const replica = readDatabase(context, url, 'DATABASE_READ_URL')
  refuseMissingSource(context, replica)
  return replica
}

/** Pages of any development server on this machine. */
const loopbackOrigins = ['localhost', '127.0.0.1', '[::1]']
  .flatMap((host) => [`http://${host}:*`, `https://${host}:*`])
  .join(',')

const developmentFactor = 100
const mostOfLimit = 1_000_000

/** Who tries something out registers and logs in more often than anyone else. */
function raisedLimits(limits: Settings['rateLimits']): string {
  return Object.entries(limits)
    .map(([name, most]) => `${name}=${Math.min(most * developmentFactor, mostOfLimit)}`)
    .join(',')
}

/** The functions' environment but for what dev makes itself. Throws a Failure that lists all that is wrong. */
async function functionSettings(
  context: Context,
  { chosen, behind, replica }: Pick<Plan, 'chosen' | 'behind' | 'replica'>,
): Promise<Readonly<Record<string, string>>> {
  const { parseSettings } = await import('@millrace/api/settings')
  const {
    DATABASE_GATEWAY_URL: _own,
    DATABASE_READ_GATEWAY_URL: _replicas,
    ...given
  } = settingsOnly(context.environment())
  const settings = {
    ...given,
    DATABASE_URL: behind === undefined ? envSafeUrl(chosen.url) : `hyperdrive://${behind.binding}`,
    ...(replica === undefined ? {} : { DATABASE_READ_URL: envSafeUrl(replica.url) }),
  }
  const parsed = parseSettings(
    { ...newServiceSecrets(), ...settings },
    { needsAuthKeys: true, needsGateway: false },
    behind && bindingsOf(behind, (binding) => binding === behind.binding),
  )
  if (!parsed.ok) throw settingsFailure(parsed.problems)
  return {
    // Whoever reaches the port would reach the database otherwise: other users of this machine too.
    DATABASE_GATEWAY_TOKEN: randomBytes(32).toString('base64url'),
    CORS_ORIGINS: loopbackOrigins,
    ...settings,
    RATE_LIMITS: raisedLimits(parsed.settings.rateLimits),
  }
}

/** Starts the gateway where the database needs one, and migrates. Gives the gateway's URL. */
async function startDatabase(context: Context, plan: Plan): Promise<string | null> {
  const { chosen, behind, settings, gatewayPort } = plan
  if (behind !== undefined) {
    await applyMigrations(context, (await connect(context, chosen)).database)
    return null
  }
  const { target } = chosen
  const gatewayToken = settings['DATABASE_GATEWAY_TOKEN']
  const openDatabase = await loadDrivers()
  if (target.via === 'd1') {
    const { client, close } = await openD1(context, target, plan.stateDirectory)
    try {
      await applyMigrations(context, await openDatabase({ target, d1: client }))
    } finally {
      // wrangler opens the same files.
      await close()
    }
    return null
  }
  if (!needsGateway(target)) {
    await applyMigrations(context, await openDatabase({ target }))
    return null
  }
  const gateway = await openGateway(context, target, {
    host: gatewayHost,
    port: gatewayPort,
    token: gatewayToken,
    log: gatewayLog(context, { isForPeople: !context.output.isJson }),
  })
  await applyMigrations(context, await openDatabase({ target, gatewayUrl: gateway.url, gatewayToken }))
  return gateway.url
}

/** Starts the replica's gateway where it needs one. Gives its URL. */
async function startReplica(context: Context, { replica, settings }: Plan): Promise<string | null> {
  if (replica === undefined || !needsGateway(replica.target)) return null
  const token = settings['DATABASE_GATEWAY_TOKEN']
  const log = gatewayLog(context, { isForPeople: !context.output.isJson })
  return (await openGateway(context, replica.target, { host: gatewayHost, port: 0, token, log, onlyReads: true })).url
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
    hyperdrive: plan.behind && { ...plan.behind, connectionString: localConnectionString(plan.behind) },
    d1Bindings: d1BindingsOf(plan),
    log: (line) => noteLine(context, line),
  })
  context.lifetime.defer(() => worker.close())
  return worker
}

function d1BindingsOf({ chosen, replica }: Plan): readonly string[] {
  const targets = replica === undefined ? [chosen.target] : [chosen.target, replica.target]
  return [...new Set(targets.flatMap((target) => (target.via === 'd1' ? [target.binding] : [])))]
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
    'Press Ctrl-C to stop.',
  ]
  context.output.result({ url, gatewayUrl, docsUrl, database: chosen.shownUrl }, words.join('\n'))
}
