import { sqliteError, troubleOfSqlite } from '@millrace/db/dialects/sqlite/errors'
import { databaseError, DatabaseError } from '@millrace/db/sql/errors'
import type { Trouble } from '@millrace/db/sql/troubles'
import { connectionFailure } from '../connection-failure.ts'

/**
 * What D1 says where it is not SQLite that answers, by https://developers.cloudflare.com/d1/observability/debug-d1/:
 * whether anything was applied is certain only of what never left the queue or found no room.
 */
const platformTroubles: readonly (readonly [words: RegExp, trouble: Trouble, isNotApplied: boolean])[] = [
  [/D1 DB is overloaded/i, 'database_busy', true],
  [/exceeded (?:timeout|its CPU time limit|its memory limit)|memory limit and was reset/i, 'database_timeout', false],
  [/Network connection lost|was reset|to be reset|transient issue|client disconnected/i, 'database_unreachable', false],
  [/D1_TYPE_ERROR/, 'internal', true],
]

const isFull = /exceeded (?:maximum DB size|D1's maximum account storage)/i
const fixOfFull =
  'A D1 database holds 10 GB, and 500 MB on the free plan; an account has a limit too. Set EXECUTION_KEEP and AUDIT_KEEP so that old rows are deleted, or move to another database with `millrace copy`.'

/** What one run of a Worker asks for beyond its plan's limit never left it, and nothing more of that run will. */
const overLimit = /Too many (?:API requests|subrequests) by single worker invocation/i

/** Cloudflare's API answered that the request itself is wrong. */
export class D1RefusalError extends Error {
  override readonly name = 'D1RefusalError'
}

/** Reads what the binding throws, or what Cloudflare's API says: SQLite's words, with the code behind them. */
export function readD1Error(thrown: unknown): DatabaseError {
  if (thrown instanceof DatabaseError || thrown instanceof TypeError) return passOn(thrown)
  if (!(thrown instanceof Error)) return connectionFailure(thrown)
  const message = wordsOf(thrown)
  if (overLimit.test(message)) return tooManyQueries(message)
  if (isFull.test(message)) return databaseError('disk_full', `D1: ${message}`, { isNotApplied: true, fix: fixOfFull })
  const platform = platformTroubles.find(([words]) => words.test(message))
  if (platform !== undefined) {
    const [, trouble, isNotApplied] = platform
    return databaseError(trouble, `D1: ${message}`, { isNotApplied })
  }
  const code = /\bSQLITE_[A-Z]+\b/.exec(message)?.[0]
  const trouble = troubleOfSqlite({ code: code ?? '', message })
  return trouble === undefined ? unknownFailure(thrown, message) : sqliteError(trouble, withoutCode(message))
}

/** What nobody has foreseen is told in its own words. */
function unknownFailure(thrown: Error, message: string): DatabaseError {
  if (thrown instanceof D1RefusalError) return databaseError('internal', `D1: ${message}`, { isNotApplied: true })
  if (!/^D1_\w+:/.test(message)) return connectionFailure(thrown)
  return databaseError('database_unreachable', `D1: ${message}`, { isNotApplied: false })
}

function tooManyQueries(message: string): DatabaseError {
  return new DatabaseError('internal', {
    message: `D1: ${message}`,
    fix: 'A request of a Worker may ask D1 1,000 queries, and 50 on the free plan: use the paid plan. Back up a large database with `millrace backup`, which has no such limit.',
    isNotApplied: true,
  })
}

/** A defect of ours stays what it is. */
function passOn(thrown: DatabaseError | TypeError): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown
  throw thrown
}

function wordsOf({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message}: ${cause.message}` : message
}

/** `D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT (extended: …)` without what the code adds. */
function withoutCode(message: string): string {
  return message.replace(/^D1_\w+: /, '').replace(/: SQLITE_[A-Z]+(?: \(extended: \w+\))?$/, '')
}
