import { DatabaseError as PlanetScaleError } from '@planetscale/database'
import { mysqlError, troubleOfErrno, wordsOfErrno } from '@millrace/db/dialects/mysql/errors'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { Trouble } from '@millrace/db/sql/troubles'
import { connectionFailure, connectionTrouble, wordsAlone } from '../connection-failure.ts'
import { busyErrno, poolTimeoutMark } from '../gateway-wire.ts'

/** What the platform refuses by itself, Vitess's own codes among it: fixed words, which the migrator has to know. */
const platformRefusal = /VT\d{5}: [\w ,-]+|direct DDL is \w+/i

/** Reads what the PlanetScale client throws: the error number stands only in the message. */
export function readPlanetScaleError(thrown: unknown, statement: string | undefined): DatabaseError {
  if (!(thrown instanceof PlanetScaleError)) return connectionFailure(thrown)
  const errno = Number(/\(errno (\d+)\)/.exec(thrown.message)?.[1] ?? Number.NaN)
  const trouble = troubleOf(thrown, errno)
  if (trouble === undefined) return connectionFailure(thrown)
  return mysqlError(trouble, wordsOf(thrown, errno), { message: thrown.message, statement })
}

function troubleOf(thrown: PlanetScaleError, errno: number): Trouble | undefined {
  const { message } = thrown
  // The number is the server's too, for a user's own limit of connections; the words are the gateway's.
  if (errno === busyErrno && [poolTimeoutMark, 'gateway'].some((word) => message.includes(word)))
    return 'pool_exhausted'
  return connectionTrouble(message) ?? troubleOfErrno(errno, message) ?? troubleOfStatus(thrown)
}

function troubleOfStatus({ status, body }: PlanetScaleError): Trouble | undefined {
  // By the status first: Vitess' messages hold the statement, and there are columns with a token in their name.
  if (status === 401 || status === 403) return /token/.test(body.message) ? 'token_refused' : 'database_auth_failed'
  if (body.code === 'UNAUTHENTICATED') return 'database_auth_failed'
  if (body.code === 'RESOURCE_EXHAUSTED' || status === 429 || status === 503) return 'database_busy'
  if (body.code === 'UNAVAILABLE') return 'database_unreachable'
  if (body.code === 'NOT_FOUND') return 'database_missing'
  return status === 400 ? 'internal' : undefined
}

/** Without the SQL and without values: Vitess puts both into its messages. */
function wordsOf({ message, body }: PlanetScaleError, errno: number): string {
  const refusal = platformRefusal.exec(message)?.[0]
  if (refusal !== undefined) return `MySQL: ${refusal}`
  if (Number.isNaN(errno)) return `MySQL: ${body.code}`
  const words = wordsAlone(message)
    .replace(/^.*? desc = /, '')
    .replace(/^target: \S+ \S+ /, '')
    .replace(/ ?\(errno .*$/s, '')
  return wordsOfErrno(errno, words)
}
