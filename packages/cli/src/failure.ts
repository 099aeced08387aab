import { codeOf } from '@millrace/api/faults'
import type { SettingProblem } from '@millrace/api/settings'
import { SealingError } from '@millrace/api/user-settings/sealing'
import { DatabaseError } from '@millrace/db/sql/errors'
import { MigrationError } from '@millrace/db/migrate/error'
import type { Trouble } from '@millrace/db/sql/troubles'
import type { UrlError } from '@millrace/db/url'
import type { FailureCode } from './failure-code.ts'
import { pageOf, pageOfTrouble } from './pages.ts'

/** Wrong arguments or settings, found before any work: exit 2. Every other code: the work failed, exit 1. */
const refusalCodes: ReadonlySet<FailureCode> = new Set([
  'usage',
  'settings_invalid',
  'url_invalid',
  'file_exists',
  'file_missing',
  'port_taken',
  'validation_failed',
])

/** What happened, why, and the command or setting that fixes it. */
export interface FailureWords {
  readonly what: string
  readonly why: string
  readonly fix: string
}

/** A command's end that is not success. `why` may hold lines (a URL with carets under it), the others are one line. */
export class Failure extends Error {
  readonly code: FailureCode
  readonly words: FailureWords
  /** The page that tells more, in docs/. */
  readonly page: string | undefined

  constructor(code: FailureCode, words: FailureWords, page: string | undefined = pageOf(code)) {
    super(words.what)
    this.name = 'Failure'
    this.code = code
    this.words = words
    this.page = page
  }

  get exitCode(): 1 | 2 {
    return refusalCodes.has(this.code) ? 2 : 1
  }
}

/** A command ended by a signal: no error, but 128 and the signal's number as exit code. */
export class Interrupted extends Error {
  readonly exitCode: 129 | 130 | 143

  constructor(exitCode: 129 | 130 | 143) {
    super('interrupted')
    this.name = 'Interrupted'
    this.exitCode = exitCode
  }
}

export function urlFailure(error: UrlError): Failure {
  return new Failure('url_invalid', error)
}

/** All that is wrong with the settings, and what that has led to where it is worth saying. */
export function settingsFailure(problems: readonly SettingProblem[], consequence = ''): Failure {
  return new Failure('settings_invalid', {
    what: `Settings are wrong: ${problems.map(({ variable }) => variable).join(', ')}. ${consequence}`.trimEnd(),
    why: problems.map(({ variable, why }) => `${variable}: ${why}`).join('\n'),
    fix: problems.map(({ variable, fix }) => `${variable}: ${fix}`).join('\n'),
  })
}

const databaseWhat: Record<Trouble, string> = {
  database_unreachable: 'The database cannot be reached.',
  connection_refused: 'The database cannot be reached: nothing takes connections there.',
  unknown_host: 'The database cannot be reached: its host is not known.',
  tls_unsupported: 'The database cannot be reached as sslmode demands: the server has no TLS.',
  certificate_untrusted: "The database cannot be reached as sslmode demands: the server's certificate is not trusted.",
  database_auth_failed: 'The database refused the user or the password.',
  token_refused: 'The gateway or the libSQL server refused the token.',
  permission_denied: 'The database does not allow this to its user.',
  tls_required: 'The database takes only connections with TLS.',
  database_missing: 'The database does not exist.',
  database_schema_outdated: "The database lacks migrations or has none of millrace's tables.",
  json_unsupported: 'The database server is too old: it has no JSON.',
  database_busy: 'The database is busy.',
  too_many_connections: 'The database has as many connections as it allows.',
  pool_exhausted: 'All connections to the database are in use.',
  deadlock: 'The database ended a deadlock.',
  lock_wait: 'The database waited too long for a lock.',
  disk_full: "The database's disk is full.",
  read_only: 'The database cannot be written to.',
  database_timeout: 'The database did not answer in time.',
  statement_timeout: 'The database ended a statement that took too long.',
  restore_in_progress: 'A restore or copy into this database is under way.',
  unique_violation: 'The database refused a row: another one has the same key.',
  foreign_key_violation: 'The database refused a row: what it refers to does not exist.',
  check_violation: 'The database refused a row: a value is not allowed.',
  row_too_large: 'A row would be larger than the database allows.',
  internal: 'The database answered with an error.',
}

const migrationCodes: Record<MigrationError['code'], FailureCode> = {
  migration_changed: 'migration_changed',
  not_empty: 'not_empty',
  direct_ddl_refused: 'forbidden',
  lock_lost: 'database_busy',
  unknown_migration: 'usage',
  schema_differs: 'database_schema_outdated',
  dangling_references: 'rows_refused',
}

function databaseFailure({ fault, trouble, message, fix }: DatabaseError): Failure {
  const words = { what: databaseWhat[trouble], why: message.replaceAll(/\s*\n\s*/g, ' '), fix }
  return new Failure(codeOf(fault), words, pageOfTrouble(trouble))
}

/** Of a command that has two databases: runs work on the one of that option, and what the database says names it. */
export async function namingDatabase<Result>(option: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    const { code, words, page } = databaseFailure(thrown)
    const { what, why, fix } = words
    throw new Failure(code, { what, why: `${option}: ${why}`, fix: fix.replaceAll('DATABASE_URL', option) }, page)
  }
}

/** Any thrown value as a Failure. What is not foreseen is `internal`, with the error's own words. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof DatabaseError) return databaseFailure(error)
  if (error instanceof SealingError) {
    return new Failure('internal', { what: 'A secret cannot be opened.', why: error.message, fix: error.fix })
  }
  if (error instanceof MigrationError) {
    const page = error.code === 'dangling_references' ? 'docs/migrations.md' : undefined
    return new Failure(migrationCodes[error.code], { what: error.message, why: error.why, fix: error.fix }, page)
  }
  return new Failure('internal', {
    what: 'The command failed unexpectedly.',
    why: error instanceof Error ? error.message : String(error),
    fix: 'Run it again; if it happens again, this is a defect of millrace: report it with these lines.',
  })
}
