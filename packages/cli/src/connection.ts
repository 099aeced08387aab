import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '@millrace/db/store/database'
import type { openDatabase as OpenDatabase } from '@millrace/drivers/open'
import { parseDatabaseUrl, redactUrl, type Target } from '@millrace/db/url'
import type { GatewayLogEntry } from '@millrace/gateway/log'
import type { Gateway, GatewayOptions, GatewayStartError } from '@millrace/gateway/server'
import type { Context } from './context.ts'
import { isMissingD1 } from './d1/state.ts'
import { refuseUnexpanded } from './environment.ts'
import { Failure, urlFailure } from './failure.ts'

const interruptedCloseMilliseconds = 2000
/** The gateway's own limits for draining, and some. */
const othersCloseMilliseconds = 12_000

export const defaultUrl = 'sqlite:///./workflows.db'

/** The database that a command works on. */
export interface ChosenDatabase {
  /** As given, secrets and all: for the functions' environment, never for output. */
  readonly url: string
  /** The option or variable, as errors name it. */
  readonly givenBy: string
  /** With `***` for password and token. */
  readonly shownUrl: string
  /** Files in it are absolute. */
  readonly target: Target
}

/** A target that only millrace's own gateway reaches. */
export type GatewayTarget = Target & { readonly via: 'file' | 'gateway' }

export interface Connection extends ChosenDatabase {
  readonly database: Database
}

/** Files named in a URL are relative to where the command was called. */
export function withAbsoluteFiles(target: Target, callerDirectory: string): Target {
  const { tlsCaFile } = target.options
  const options =
    tlsCaFile === undefined ? target.options : { ...target.options, tlsCaFile: resolve(callerDirectory, tlsCaFile) }
  if (target.via === 'file') return { ...target, options, path: resolve(callerDirectory, target.path) }
  return { ...target, options }
}

/** `--database`, else DATABASE_URL, else the SQLite file `workflows.db` where the command was called. */
export function chooseDatabase(context: Context, databaseOption: string | undefined): ChosenDatabase {
  if (databaseOption) return readDatabase(context, databaseOption, '--database')
  return readDatabase(context, context.environment()['DATABASE_URL'] || defaultUrl, 'DATABASE_URL')
}

/**
 * The database of a URL that was given by an option or a variable.
 * @throws Failure that names it
 */
export function readDatabase(context: Context, url: string, givenBy: string): ChosenDatabase {
  const environment = context.environment()
  refuseUnexpanded(givenBy, url)
  const parsed = parseDatabaseUrl(url, { DATABASE_AUTH_TOKEN: environment['DATABASE_AUTH_TOKEN'], givenBy })
  if (!parsed.ok) throw urlFailure(parsed.error)
  for (const notice of parsed.notices) context.output.noteOnce(notice)
  if (lacksPassword(url, parsed.target)) context.output.noteOnce(passwordMissing)
  const target = withAbsoluteFiles(parsed.target, context.directories.caller)
  if (target.via === 'file' && !existsSync(dirname(target.path))) {
    throw new Failure('file_missing', {
      what: 'The directory of the SQLite file does not exist.',
      why: `There is no ${dirname(target.path)}.`,
      fix: `Create it, or correct the path in ${givenBy}.`,
    })
  }
  return { url, givenBy, shownUrl: redactUrl(url), target }
}

const passwordMissing =
  'The database URL has no password. If the server asks for none, write USER:@HOST, and this is not said again.'

function lacksPassword(url: string, target: Target): boolean {
  return 'password' in target && target.password === '' && !url.includes(':@')
}

export function needsGateway(target: Target): target is GatewayTarget {
  return target.via === 'file' || target.via === 'gateway'
}

/** True for a SQLite file that is not there: opening it would create it. */
export function isMissingFile(target: Target): boolean {
  return target.via === 'file' && !existsSync(target.path)
}

/** True for a SQLite file or a local D1 that is not there. */
export function isMissing(context: Context, target: Target): boolean {
  return target.via === 'd1' ? isMissingD1(context, target) : isMissingFile(target)
}

const makeOrCorrect = 'Run `millrace migrate` to create it, or correct --database or DATABASE_URL.'

/** Commands that need rows refuse a SQLite file or a local D1 that is not there, and leave no empty one behind. */
export function refuseMissing(context: Context, chosen: ChosenDatabase, fix = makeOrCorrect): void {
  if (!isMissing(context, chosen.target)) return
  throw new Failure('database_missing', {
    what: 'The database does not exist.',
    why: missingWords(chosen),
    fix,
  })
}

/** Nothing can be resumed in a file that is not there, and looking must not make it. */
export function refuseMissingResumed(context: Context, chosen: ChosenDatabase): void {
  refuseMissing(context, chosen, `Run the command without --resume, or correct ${chosen.givenBy}.`)
}

/** Likewise for what is read and has to be there: an input file that is missing is a wrong argument. */
export function refuseMissingSource(context: Context, chosen: ChosenDatabase): void {
  if (chosen.target.via === 'd1') {
    refuseMissing(context, chosen, `Run \`millrace migrate\` to create it, or correct ${chosen.givenBy}.`)
    return
  }
  if (!isMissing(context, chosen.target)) return
  throw new Failure('file_missing', {
    what: `The database of ${chosen.givenBy} does not exist.`,
    why: missingWords(chosen),
    fix: `Correct ${chosen.givenBy}. Relative paths are relative to the directory that the command is called in. Nothing was created.`,
  })
}

function missingWords({ target, shownUrl }: ChosenDatabase): string {
  return `${shownUrl} is a ${target.via === 'd1' ? 'local D1 database that nobody has made' : 'SQLite file that is not there'}.`
}

/** The drivers take most of a second to load: help and refused arguments do not wait for them. */
export async function loadDrivers(): Promise<typeof OpenDatabase> {
  return (await import('@millrace/drivers/open')).openDatabase
}

/** A statement over a whole table, as the ones that measure it, takes its time. */
export const wholeTableSeconds = 3600

export interface ConnectOptions {
  /** Of a SQLite file: it stays as it is. */
  readonly onlyReads?: boolean
  /** How long one statement may take; as long as a request's when absent. */
  readonly timeoutSeconds?: number
  /** The option or variable of the URL, as errors name it. */
  readonly givenBy?: string
}

/**
 * Opens the database: a file or a server by a driver in this process, a platform over HTTP. Closed when the command ends.
 * @throws Failure when the file or a certificate cannot be opened
 */
export async function connect(
  context: Context,
  chosen: ChosenDatabase,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { target, givenBy } = chosen
  return { ...chosen, database: await openTarget(context, target, { givenBy, ...options }) }
}

/** As `connect`. */
export async function openTarget(
  context: Context,
  target: Target,
  { timeoutSeconds, onlyReads, givenBy }: ConnectOptions,
): Promise<Database> {
  if (target.via === 'd1') {
    const { openD1 } = await import('./d1/open.ts')
    const { client, close } = await openD1(context, target)
    context.lifetime.defer(close)
    const { openDatabase } = await import('@millrace/drivers/open')
    return openDatabase({ target, d1: client, timeoutSeconds })
  }
  const { openNativeDatabase } = await import('@millrace/drivers/native/open')
  const file = { onlyReads, movesRows: true }
  const database = await openedNatively(target, givenBy, () => openNativeDatabase({ target, timeoutSeconds, file }))
  context.lifetime.defer(() => endSoon(database.close(), context.lifetime.interruption, interruptedCloseMilliseconds))
  return database
}

async function openedNatively(
  target: Target,
  givenBy: string | undefined,
  open: () => Promise<Database>,
): Promise<Database> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if (error.name === 'SqliteFailure' && target.via === 'file') throw fileFailure(error, givenBy)
    if (error.name === 'TlsFileError') throw certificateFailure(error, givenBy)
    throw error
  }
}

/** As `connect`, for commands that need every migration and no restore under way. Throws a DatabaseError otherwise. */
export async function connectReady(
  context: Context,
  chosen: ChosenDatabase,
  options: ConnectOptions = {},
): Promise<Connection> {
  refuseMissing(context, chosen)
  const connection = await connect(context, chosen, options)
  const { readiness } = await import('@millrace/db/store/readiness')
  await readiness(connection.database)
  return connection
}

export interface GatewayPlace extends Pick<GatewayOptions, 'host' | 'port' | 'token' | 'tokens' | 'onlyReads' | 'log'> {
  /** Serves others than this command, whose transactions are to end before it does. */
  readonly isForOthers?: boolean
}

export type GatewayLog = (entry: GatewayLogEntry) => void

/** A gateway that is closed when the command ends. Throws a Failure when it cannot open the database or the port. */
export async function openGateway(context: Context, target: GatewayTarget, place: GatewayPlace = {}): Promise<Gateway> {
  const { startGateway, GatewayStartError } = await import('@millrace/gateway/server')
  let gateway: Gateway
  try {
    gateway = await startGateway({ target, ...place })
  } catch (error) {
    if (error instanceof GatewayStartError) throw startFailure(error)
    if (target.via === 'file' && error instanceof Error) throw fileFailure(error)
    throw error
  }
  context.lifetime.defer(() => closeSoon(gateway, context.lifetime.interruption, place.isForOthers === true))
  return gateway
}

function closeSoon(gateway: Gateway, interruption: AbortSignal, isForOthers: boolean): Promise<void> {
  const closed = gateway.close({ waitsForTransactions: isForOthers })
  return endSoon(closed, interruption, isForOthers ? othersCloseMilliseconds : interruptedCloseMilliseconds)
}

/** Who interrupts does not wait for a server that does not answer: what is open is rolled back when it is cut off. */
async function endSoon(ended: Promise<void>, interruption: AbortSignal, milliseconds: number): Promise<void> {
  await (interruption.aborted ? Promise.race([ended, delay(milliseconds)]) : ended)
}

function certificateFailure(error: Error, givenBy = 'DATABASE_URL'): Failure {
  return new Failure('settings_invalid', {
    what: 'The database cannot be opened.',
    why: error.message,
    fix: `Give the path of a readable PEM file in the option ssl_ca of ${givenBy}, or leave it out.`,
  })
}

function startFailure({ code, message, fix }: GatewayStartError): Failure {
  return new Failure(code, { what: 'The gateway cannot start.', why: message, fix })
}

function fileFailure(error: Error, givenBy = '--database or DATABASE_URL'): Failure {
  return new Failure('database_unreachable', {
    what: 'The SQLite file cannot be opened.',
    why: error.message,
    fix: `Correct the path in ${givenBy}, or the rights on the file and its directory.`,
  })
}
