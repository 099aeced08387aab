import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { openDatabase } from '@millrace/db/database'
import type { Database } from '@millrace/db/database'
import { parseDatabaseUrl, redactUrl } from '@millrace/db/url'
import type { Target } from '@millrace/db/url'
import { startGateway } from '@millrace/gateway/server'
import type { Gateway } from '@millrace/gateway/server'
import type { Context } from './context.ts'
import { Failure, urlFailure } from './failure.ts'

const defaultUrl = 'sqlite:///./workflows.db'

/** The database that a command works on. */
export interface ChosenDatabase {
  /** As given, secrets and all: for the functions' environment, never for output. */
  readonly url: string
  /** With `***` for password and token. */
  readonly shownUrl: string
  /** Files in it are absolute. */
  readonly target: Target
}

/** A target that only millrace's own gateway reaches. */
export type GatewayTarget = Extract<Target, { via: 'file' | 'gateway' }>

export interface Connection extends ChosenDatabase {
  readonly database: Database
}

function withAbsoluteFiles(target: Target, callerDirectory: string): Target {
  const { tlsCaFile } = target.options
  const options =
    tlsCaFile === undefined ? target.options : { ...target.options, tlsCaFile: resolve(callerDirectory, tlsCaFile) }
  if (target.via === 'file') return { ...target, options, path: resolve(callerDirectory, target.path) }
  return { ...target, options }
}

/** `--database`, else DATABASE_URL, else the SQLite file `workflows.db` where the command was called. */
export function chooseDatabase(context: Context, databaseOption: string | undefined): ChosenDatabase {
  const environment = context.environment()
  const url = databaseOption || environment['DATABASE_URL'] || defaultUrl
  const parsed = parseDatabaseUrl(url, { DATABASE_AUTH_TOKEN: environment['DATABASE_AUTH_TOKEN'] })
  if (!parsed.ok) throw urlFailure(parsed.error)
  for (const notice of parsed.notices) context.output.note(notice)
  const target = withAbsoluteFiles(parsed.target, context.directories.caller)
  if (target.via === 'file' && !existsSync(dirname(target.path))) {
    throw new Failure('file_missing', {
      what: 'The directory of the SQLite file does not exist.',
      why: `There is no ${dirname(target.path)}.`,
      fix: 'Create it, or correct the path in --database or DATABASE_URL.',
    })
  }
  return { url, shownUrl: redactUrl(url), target }
}

export function needsGateway(target: Target): target is GatewayTarget {
  return target.via === 'file' || target.via === 'gateway'
}

/** True for a SQLite file that is not there: opening it would create it. */
export function isMissingFile(target: Target): boolean {
  return target.via === 'file' && !existsSync(target.path)
}

/** Commands that need rows refuse a missing SQLite file instead of leaving an empty one behind. */
export function refuseMissingFile({ target, shownUrl }: ChosenDatabase): void {
  if (!isMissingFile(target)) return
  throw new Failure('database_missing', {
    what: 'The database does not exist.',
    why: `${shownUrl} is a SQLite file that is not there.`,
    fix: 'Run `millrace migrate` to create it, or correct --database or DATABASE_URL.',
  })
}

/** Opens the database, through a gateway of this process where it has no HTTP endpoint; closed when the command ends. */
export async function connect(context: Context, chosen: ChosenDatabase): Promise<Connection> {
  if (!needsGateway(chosen.target)) return { ...chosen, database: openDatabase({ target: chosen.target }) }
  const gateway = await openGateway(context, chosen.target)
  return { ...chosen, database: openDatabase({ target: chosen.target, gatewayUrl: gateway.url }) }
}

export interface GatewayPlace {
  readonly host?: string
  readonly port?: number
  readonly token?: string | undefined
}

/** A gateway that is closed when the command ends. */
export async function openGateway(context: Context, target: GatewayTarget, place: GatewayPlace = {}): Promise<Gateway> {
  const gateway = await startGateway({ target, ...place })
  context.lifetime.defer(() => gateway.close())
  return gateway
}
