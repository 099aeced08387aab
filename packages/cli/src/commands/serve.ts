import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import type { Database } from '@millrace/db/store/database'
import type { ProcessState } from '@millrace/server/group-states'
import type { Listening } from '@millrace/server/listen'
import type { ProcessEnd } from '@millrace/server/restarts'
import { endWithStarter } from '../ancestors.ts'
import type { AddCommand } from '../command.ts'
import { isMissingFile, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { untilInterrupted } from '../lifetime.ts'
import { applyMigrations } from '../migrations.ts'
import { parseGiven, parsePort, withDatabaseOption } from '../options.ts'
import { authority, claimablePort, reachableHost } from '../ports.ts'
import { serveLog } from '../serve/log.ts'
import { memberCommand, withPoolOfJobs } from '../serve/group.ts'
import { readServeSettings, type ServeSettings } from '../serve/settings.ts'
import { closeSoon, endsWithin } from '../serve/stopping.ts'

interface ServeOptions {
  readonly database?: string
  readonly host: string
  readonly port: number
  readonly processes: number
  readonly migrate?: boolean
  readonly grace: number
}

const examples = `
Serves the API, its documentation and the console from this machine, and connects to the database directly. Schedules,
clean-up and backups (BACKUP_TO) run on time; if several processes serve one database, each job runs once.
On SIGTERM or Ctrl-C it refuses new connections, lets running requests finish within --grace, and exits with 143 or 130.
A second one ends it at once.
The log goes to standard error, one JSON object per line (plain text on a terminal). /metrics covers all processes.

Examples:
  millrace serve --migrate
  DATABASE_URL=postgresql://user:password@127.0.0.1:5432/workflows millrace serve --processes 4
  BACKUP_TO=s3://bucket/millrace millrace serve --host 0.0.0.0 --port 80`

export const serveCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(parent.command('serve').description('serve the API on your own machine'))
    .option('--host <address>', 'the address to listen on', parseGiven, '127.0.0.1')
    .option('--port <number>', 'the port to listen on; 0 for any free port', parsePort, 8787)
    .option('--processes <number>', 'how many processes share the port', parseProcesses, 1)
    .option('--migrate', 'apply pending migrations first')
    .option('--grace <seconds>', 'how long running requests may take after SIGTERM or Ctrl-C', parseGrace, 30)
    .addHelpText('after', examples)
    .action((options: ServeOptions) => run((context) => serve(context, options)))
}

function parseProcesses(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('A number of processes is 1 to 999.')
  return Number(text)
}

function parseGrace(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('A number of seconds is 0 to 9999.')
  return Number(text)
}

async function serve(context: Context, options: ServeOptions): Promise<number> {
  const { isGroupMember } = await import('@millrace/server/membership')
  // What it is to be told of the settings, the first process has told.
  const { output } = context
  if (isGroupMember()) return serveAsMember({ ...context, output: { ...output, noteOnce: () => undefined } }, options)
  const willMigrate = options.migrate === true
  const pending = willMigrate ? undefined : pendingMigrations
  const chosen = await readServeSettings(context, options.database, pending, { checksPlace: true })
  const port = await claimablePort(options.host, options.port, '--port')
  if (willMigrate) await bringUpToDate(context, chosen)
  await buildAssets(context)
  endWithStarter(context.lifetime)
  const { port: found, failed } = await (options.processes === 1
    ? serveAlone(context, chosen, { ...options, port })
    : serveInGroup(context, chosen, { ...options, port }))
  const url = `http://${authority(reachableHost(options.host), found)}`
  const words = [
    `millrace serves ${chosen.chosen.shownUrl} on ${url}`,
    `  docs      ${url}/docs`,
    `  console   ${url}/console`,
  ]
  context.output.result({ url }, `${words.join('\n')}\n\nPress Ctrl-C to stop.`)
  await Promise.race([untilInterrupted(context.lifetime.interruption), failed])
  return 0
}

interface Found {
  readonly port: number
  /** Rejects when nothing listens any more. */
  readonly failed: Promise<never>
}

async function serveAlone(context: Context, chosen: ServeSettings, options: ServeOptions): Promise<Found> {
  const service = await openForServing(context, chosen)
  const { startJobs } = await import('@millrace/server/jobs')
  const { log } = serveLog(context, chosen.settings.logLevel)
  const listening = await listenFor(service, options)
  const jobs = startJobs({ database: service.database, backups: service.backups, log, settings: chosen.settings })
  deferStop(context, service, options, () => [answered(listening, service, options), jobs.stop()])
  return { port: listening.port, failed: new Promise(() => undefined) }
}

/** This process runs the jobs, and the others answer. */
async function serveInGroup(context: Context, chosen: ServeSettings, options: ServeOptions): Promise<Found> {
  const { startProcesses } = await import('@millrace/server/processes')
  const { startJobs } = await import('@millrace/server/jobs')
  const { log } = serveLog(context, chosen.settings.logLevel)
  const service = await openForServing(context, withPoolOfJobs(chosen))
  const group = await startProcesses({
    count: options.processes,
    ...memberCommand(options, context.output.isJson),
    own: () => ownState(service),
    onExit: (end) => log({ level: 'error', event: 'process_ended', ...end }),
  })
  const jobs = startJobs({ database: service.database, backups: service.backups, log, settings: chosen.settings })
  const stopping = { ...options, grace: options.grace + memberSeconds }
  deferStop(
    context,
    service,
    stopping,
    () => [group.close(), jobs.stop()],
    () => group.kill(),
  )
  const failed = group.failed.then((end) => {
    throw groupFailure(end)
  })
  return { port: group.port, failed }
}

async function ownState(service: Serving): Promise<ProcessState> {
  return { families: service.metrics.own(), pool: await service.ownPoolStatus() }
}

function groupFailure({ code, signal }: ProcessEnd): Failure {
  return new Failure('internal', {
    what: 'None of the processes can be started any more.',
    why: `The last one ended ${code === null ? `by ${signal ?? 'a signal'}` : `with ${code}`} before it listened.`,
    fix: 'Correct what the error above this one names, and start it again.',
  })
}

/** What the other processes take to end beyond --grace. */
const memberSeconds = 3

/** Signals reach it too, such as a terminal's Ctrl-C: it lets the first process take it out of the group, as that one does. */
async function serveAsMember(context: Context, options: ServeOptions): Promise<number> {
  const chosen = await readServeSettings(context, options.database, undefined, { checksPlace: false })
  const service = await openForServing(context, chosen)
  const { joinGroup } = await import('@millrace/server/membership')
  const { log } = serveLog(context, chosen.settings.logLevel)
  const group = joinGroup({
    processes: options.processes + 1,
    own: () => ownState(service),
    onEnd: () => context.lifetime.end(143),
    onSilence: (answered) => log({ level: 'warn', event: 'processes_silent', ...answered }),
  })
  const listening = await listenFor(service, options)
  deferStop(context, service, options, () => [group.leave().then(() => answered(listening, service, options))])
  service.metrics.collect = async () => (await group.sum()).families
  service.poolStatusOf = async () => (await group.sum()).pool
  group.ready(listening.port)
  await untilInterrupted(context.lifetime.interruption)
  return 0
}

type Serving = Awaited<ReturnType<typeof openForServing>>

async function openForServing(context: Context, { settings, bucket }: ServeSettings) {
  const { openService } = await import('@millrace/server/service')
  const { readAssetsOf } = await import('@millrace/server/assets')
  const { log, onConnection } = serveLog(context, settings.logLevel)
  const readAsset = readAssetsOf(join(context.directories.workspace, assetsFolder))
  const service = await opened(() => openService({ settings, log, onConnection, readAsset, bucket }))
  context.lifetime.defer(() => closeSoon(() => service.close()))
  return service
}

/** What stands in the way of opening a file or a certificate, in the words of what failed. */
async function opened<Result>(open: () => Promise<Result>): Promise<Result> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof Error) || !/^(?:SqliteFailure|TlsFileError)$/.test(error.name)) throw error
    throw new Failure('database_missing', {
      what: 'The database cannot be opened.',
      why: error.message,
      fix: 'Correct --database or DATABASE_URL, or the rights of the file.',
    })
  }
}

/** How long a proxy's kept connection may bring one more request. Whoever sends some has sent one by then. */
const idleSeconds = 1

async function listenFor(service: Serving, { host, port }: ServeOptions): Promise<Listening> {
  const { listen } = await import('@millrace/server/listen')
  const answerUnreadable = (request: Request) => service.answerUnreadable(request)
  return listen((request) => service.fetch(request), { host, port, answerUnreadable })
}

/** Takes no more connections from here on, and resolves when what is under way has ended. */
async function answered(listening: Listening, service: Serving, { grace }: ServeOptions): Promise<void> {
  await listening.close(grace, Math.min(grace, idleSeconds))
  await service.settled()
}

/**
 * At its end, everything is told to stop at the same time, and none of it is waited for longer than --grace: a job must not
 * keep the listener open, nor the other way round.
 */
function deferStop(
  { lifetime }: Context,
  service: Serving,
  { grace }: ServeOptions,
  stop: () => readonly Promise<unknown>[],
  kill: () => void = () => undefined,
): void {
  lifetime.endOnSecondSignal(kill)
  lifetime.defer(async () => {
    service.stop()
    if (!(await endsWithin(grace, stop()))) kill()
  })
}

async function pendingMigrations(chosen: ChosenDatabase): Promise<readonly string[]> {
  const { knownMigrations } = await import('@millrace/db/schema/known-migrations')
  if (isMissingFile(chosen.target)) return knownMigrations
  const database = await openForMoment(chosen)
  try {
    const { refuseWhileRestoring } = await import('@millrace/db/migrate/migrate')
    await refuseWhileRestoring(database)
    return await database.pendingMigrations()
  } finally {
    await database.close()
  }
}

async function bringUpToDate(context: Context, { chosen }: ServeSettings): Promise<void> {
  const database = await openForMoment(chosen)
  try {
    await applyMigrations(context, database)
  } finally {
    await database.close()
  }
}

async function openForMoment({ target }: ChosenDatabase): Promise<Database> {
  const { openNativeDatabase } = await import('@millrace/drivers/native/open')
  return opened(() => openNativeDatabase({ target }))
}

const assetsFolder = 'functions/assets'

/** A clone makes its docs page when it is first built; the installed package has it. */
async function buildAssets({ directories: { workspace } }: Context): Promise<void> {
  const build = join(workspace, 'functions/build.js')
  const isBuilt = ['openapi.json', 'console/index.html'].every((name) =>
    existsSync(join(workspace, assetsFolder, name)),
  )
  if (isBuilt || !existsSync(build)) return
  const child = spawn(process.execPath, [build], { cwd: workspace, stdio: 'ignore' })
  await once(child, 'exit')
}
