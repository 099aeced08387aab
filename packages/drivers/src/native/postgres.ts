import { DatabaseError as ServerError, escapeLiteral } from 'pg'
import { postgres } from '@millrace/db/dialects/postgres/dialect'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { EncodedPageSize, EncodedRange, EncodedRows, KeyValue } from '@millrace/db/sql/encoded-rows'
import type { Loading, RawValue } from '@millrace/db/sql/loading'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connection, TransportLimits } from '@millrace/db/sql/transport'
import type { ServerAddress } from '@millrace/db/url'
import { beginRepeatable } from '../consistent-snapshot.ts'
import { observed } from '../observed.ts'
import { readPostgresError } from '../tcp/postgres-errors.ts'
import { postgresValueOf } from '../tcp/postgres-values.ts'
import { withinSeconds } from '../tcp/time-limit.ts'
import { pooledLoading, stoppable } from './loading.ts'
import type { ConnectionLogEntry } from './log.ts'
import { Pool } from './pool.ts'
import { outdatingIfDemoted, overflowIdleSeconds, poolFailure, type NativeOptions } from './pooled.ts'
import { PostgresConnection, type PostgresOpenOptions } from './postgres-connection.ts'
import type { PipelinedStatement } from './postgres-pipeline.ts'
import { StatementNames } from './statement-names.ts'
import { tlsAttempts } from './tls.ts'

/** The protocol counts parameters in 16 bits, and bytes of a message in 31. */
const limits: TransportLimits = {
  maxParameters: 65_535,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 1_000_000_000,
}

type Act<Result> = (connection: PostgresConnection) => Promise<Result>

/** PostgreSQL in this process: prepared statements, and a batch in one round trip. */
export function connect(address: ServerAddress, options: NativeOptions): Connection {
  const tls = tlsAttempts(address.options, address.host)
  const opening: PostgresOpenOptions = { tls, log: options.log, session: 'kept' }
  const open = () => PostgresConnection.open(address, opening)
  const pool = new Pool(open, { ...address.options, overflowIdleSeconds })
  const names = new StatementNames()
  const prepared = preparedBy(names)
  const use = lending(pool, names, options)

  return {
    dialect: postgres,
    transport: (observer) => ({
      dialect: postgres,
      limits,
      run: (statement) =>
        observed(observer, [statement], () =>
          use([statement], async (connection) => (await connection.pipeline([prepared(statement)]))[0] ?? nothing),
        ),
      transact(writes, reads) {
        const statements = [...writes, ...reads]
        return observed(observer, statements, () =>
          use(statements, (connection) => transaction(connection, statements, prepared)),
        )
      },
    }),
    snapshot: () => openSnapshot(open),
    load: () => Promise.resolve(openLoading(open, address, options)),
    poolStatus: () => Promise.resolve(pool.status()),
    close: () => pool.close(),
  }
}

/**
 * Lends connections, and sees to prepared statements that the server does not know or can't use any more.
 * @returns a function that does something on a connection within the time of its statements
 */
function lending(
  pool: Pool<PostgresConnection>,
  names: StatementNames,
  { timeoutSeconds, log }: Pick<NativeOptions, 'timeoutSeconds' | 'log'>,
) {
  const onceAMinute = rationed(60)

  async function lent<Result>(seconds: number, act: Act<Result>): Promise<Result> {
    const loan = await pool.acquire()
    const { connection } = loan
    let isSpent = false
    try {
      return await withinSeconds(seconds, stoppable(connection, stop), () => planned(connection, act))
    } catch (thrown) {
      isSpent = isNameLost(thrown)
      throw thrown
    } finally {
      loan.release({ discard: isSpent })
    }
  }

  /** Once more on the same connection where its plans are outdated: others may have such plans too. */
  async function planned<Result>(connection: PostgresConnection, act: Act<Result>): Promise<Result> {
    try {
      return await act(connection)
    } catch (thrown) {
      // Refused before it ran, and what ran before it in its transaction is rolled back.
      if (!isPlanOutdated(thrown)) throw thrown
      connection.forgetStatements()
      onceAMinute(() => log(plansOutdated))
      return act(connection)
    }
  }

  return function use<Result>(statements: readonly Statement[], act: Act<Result>): Promise<Result> {
    const own = statements.find(({ timeoutSeconds }) => timeoutSeconds !== undefined)?.timeoutSeconds
    const seconds = own ?? timeoutSeconds
    const again = (thrown: unknown): Promise<Result> => {
      if (!isNameLost(thrown)) throw thrown
      // Refused before anything of it ran.
      if (!names.isOff) log(namesLost)
      names.turnOff()
      return lent(seconds, act)
    }
    return lent(seconds, act)
      .catch(again)
      .catch((thrown: unknown) => {
        throw outdatingIfDemoted(pool, readError(thrown))
      })
  }
}

/** Makes the form in which a pipeline takes a statement. */
function preparedBy(names: StatementNames) {
  return ({ text, parameters }: Statement): PipelinedStatement => ({
    text,
    values: parameters.map(postgresValueOf),
    name: names.nameOf(text),
  })
}

const plansOutdated: ConnectionLogEntry = {
  level: 'warn',
  event: 'plans_outdated',
  message: 'A table has changed under prepared statements: PostgreSQL plans them anew.',
}

const namesLost: ConnectionLogEntry = {
  level: 'warn',
  event: 'statements_unprepared',
  message:
    'A pooler lends another connection to each transaction: from now on PostgreSQL plans every statement anew. Connect past the pooler, or set its max_prepared_statements.',
}

/** Runs what it is given, unless that was less than so many seconds ago. */
function rationed(seconds: number) {
  let nextMilliseconds = Number.NEGATIVE_INFINITY
  return (act: () => void): void => {
    if (performance.now() < nextMilliseconds) return
    nextMilliseconds = performance.now() + seconds * 1000
    act()
  }
}

const nothing: RawResult = { rows: [], affected: 0 }
const begin: Statement = { text: 'BEGIN ISOLATION LEVEL READ COMMITTED', parameters: [] }
const commit: Statement = { text: 'COMMIT', parameters: [] }

/** BEGIN, the statements and COMMIT are one pipeline: after a statement that failed the server comes to no other. */
async function transaction(
  connection: PostgresConnection,
  statements: readonly Statement[],
  prepared: (statement: Statement) => PipelinedStatement,
): Promise<readonly RawResult[]> {
  try {
    const results = await connection.pipeline([begin, ...statements, commit].map(prepared))
    return results.slice(1, -1)
  } catch (thrown) {
    await connection.rollBackForCertain()
    throw thrown
  }
}

function stop(stuck: PostgresConnection): Promise<void> {
  return stuck.cancel()
}

/** Behind a pooler like pgbouncer: the connection that was lent knows no such name, or knows it from another process. */
function isNameLost(thrown: unknown): boolean {
  return thrown instanceof ServerError && (thrown.code === '26000' || thrown.code === '42P05')
}

/** After a migration that changed a column's type. The message may be in another language than English. */
function isPlanOutdated(thrown: unknown): boolean {
  if (!(thrown instanceof ServerError) || thrown.code !== '0A000') return false
  return thrown.routine === 'RevalidateCachedQuery' || thrown.message.includes('cached plan')
}

/** As {@link readPostgresError}, and what the pool throws. */
function readError(thrown: unknown): DatabaseError {
  return poolFailure(thrown) ?? readPostgresError(thrown)
}

/** A read-only repeatable-read transaction on a connection of its own. */
async function openSnapshot(open: () => Promise<PostgresConnection>): Promise<Snapshot> {
  const connection = await open().catch((thrown: unknown) => {
    throw readError(thrown)
  })
  return beginRepeatable({
    dialect: postgres,
    async run({ text, parameters }) {
      try {
        const { rows, rowCount } = await connection.query(text, parameters.map(postgresValueOf))
        return { rows, affected: rowCount ?? 0 }
      } catch (thrown) {
        throw readError(thrown)
      }
    },
    readEncoded: (range, size) => readEncoded(connection, range, size),
    close: () => connection.close(),
  })
}

/** Sorting is priced out: rows in the order of the primary key come one by one from its index, whatever the planner thinks. */
const beforeReading = ['set local statement_timeout = 0', 'set local enable_sort = off']

async function* readEncoded(
  connection: PostgresConnection,
  range: EncodedRange,
  size: EncodedPageSize,
): AsyncGenerator<EncodedRows> {
  try {
    for (const setting of beforeReading) await connection.query(setting, [])
    yield* connection.copyOut(`copy (${selectOf(range)}) to stdout (format binary)`, size)
  } catch (thrown) {
    throw readError(thrown)
  }
}

function selectOf({ table, columns, key, after, last }: EncodedRange): string {
  const keys = namesOf(key)
  const compared = (sign: string, values: readonly KeyValue[]) =>
    `(${keys}) ${sign} (${values.map(literalOf).join(', ')})`
  const conditions = [
    ...(after === undefined ? [] : [compared('>', after)]),
    ...(last === undefined ? [] : [compared('<=', last)]),
  ]
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
  return `select ${namesOf(columns)} from "${table}"${where} order by ${keys}`
}

function namesOf(columns: readonly string[]): string {
  return columns.map((name) => `"${name}"`).join(', ')
}

/** A copy takes no parameters. */
function literalOf(value: KeyValue): string {
  return typeof value === 'number' ? String(value) : escapeLiteral(value)
}

/**
 * Connections of its own that copy rows in. What a crash of the server can take here is behind the mark, whose own commits
 * are synced: then the rows are written again.
 */
function openLoading(
  open: () => Promise<PostgresConnection>,
  address: ServerAddress,
  { timeoutSeconds }: NativeOptions,
): Loading {
  return pooledLoading({
    open,
    options: address.options,
    timeoutSeconds,
    prepare: (connection) => connection.query('set synchronous_commit = off', []),
    stop,
    insert: (connection, guard, { table, columns, rows }) =>
      guarded(connection, guard, async () => {
        await connection.copyIn(`copy "${table}" (${namesOf(columns)}) from stdin`, copyText(rows))
        await connection.query(commit.text, [])
      }),
    // The commit goes with the rows, in their round trip.
    insertEncoded: (connection, guard, { table, columns, encoded }) =>
      guarded(connection, guard, () =>
        connection.copyEncodedIn(`copy "${table}" (${namesOf(columns)}) from stdin (format binary); commit`, encoded),
      ),
    readError,
  })
}

/** Does what commits at its end, in a transaction whose guard gives a row. @returns whether the guard gave one */
async function guarded(
  connection: PostgresConnection,
  guard: Statement,
  copyAndCommit: () => Promise<void>,
): Promise<boolean> {
  try {
    const [, found] = await connection.pipeline([
      { text: begin.text, values: [], name: undefined },
      { text: guard.text, values: guard.parameters.map(postgresValueOf), name: undefined },
    ])
    const isAllowed = found !== undefined && found.rows.length > 0
    if (isAllowed) await copyAndCommit()
    else await connection.query(commit.text, [])
    return isAllowed
  } catch (thrown) {
    await connection.rollBackForCertain()
    throw thrown
  }
}

const copyEscapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
function copyText(rows: readonly (readonly RawValue[])[]): string {
  const lines = rows.map((row) => row.map((value) => (value === null ? '\\N' : escaped(value))).join('\t'))
  return `${lines.join('\n')}\n`
}

function escaped(value: string): string {
  return /[\\\n\r\t]/.test(value) ? value.replaceAll(/[\\\n\r\t]/g, (character) => copyEscapes[character] ?? '') : value
}
