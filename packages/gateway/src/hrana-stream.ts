import { setTimeout as delay } from 'node:timers/promises'
import {
  type SqliteConnection,
  SqliteFailure,
  type SqliteRows,
  type SqliteValue,
} from '@millrace/drivers/native/sqlite-connection'
import { StreamError, streamErrorOf } from './hrana-errors.ts'
import {
  type BatchCondition,
  type BatchStep,
  ProtocolViolation,
  type SqlReference,
  type Stmt,
  type StreamRequest,
} from './hrana-messages.ts'
import { columnBody, type StmtOutcome, stmtResultBody } from './hrana-values.ts'
import type { JsonObject } from './json.ts'
import type { GatewayLimits } from './limits.ts'
import type { Loan } from '@millrace/drivers/native/pool'
import { splitSqlite, type SqliteStatement } from './sqlite-statement.ts'
import type { LockHolder, WriteLock } from './write-lock.ts'

/** Hrana over HTTP: `/v2` lacks what came with version 3. */
export type HranaVersion = 2 | 3

/** sqld's limits for texts that a stream stores: libsql-server/src/hrana/http/request.rs. */
const maxStoredSqlCount = 50
const maxStoredSqlBytes = 5000

interface PreparedStmt {
  readonly statement: SqliteStatement
  readonly params: readonly SqliteValue[]
  readonly wantRows: boolean
}

export interface HranaStreamOptions {
  readonly limits: Pick<GatewayLimits, 'lockSeconds'>
  /** Told of what goes wrong with a statement. */
  readonly onError: (error: unknown) => void
}

/** A Hrana stream: one connection from its first request to its last. */
export class HranaStream implements LockHolder {
  readonly #loan: Loan<SqliteConnection>
  readonly #lock: WriteLock
  readonly #lockSeconds: number
  readonly #onError: (error: unknown) => void
  readonly #storedSql = new Map<number, string>()
  #isOpen = true
  #isIdle = true
  #lostTransaction = false

  constructor(loan: Loan<SqliteConnection>, lock: WriteLock, { limits, onError }: HranaStreamOptions) {
    this.#loan = loan
    this.#lock = lock
    this.#lockSeconds = limits.lockSeconds
    this.#onError = onError
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get isIdle(): boolean {
    return this.#isIdle
  }

  get #connection(): SqliteConnection {
    return this.#loan.connection
  }

  loseTransaction(): void {
    this.#connection.rollBack()
    this.#lostTransaction = true
  }

  /** Rolls back what is open and gives the connection back. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#connection.rollBack()
    this.#lock.release(this)
    this.#loan.release()
  }

  /** Serves the requests of one pipeline, in order. Throws ProtocolViolation, after which the stream has to be closed. */
  async serve(requests: readonly StreamRequest[], version: HranaVersion): Promise<readonly JsonObject[]> {
    this.#isIdle = false
    try {
      const results: JsonObject[] = []
      for (const request of requests) results.push(await this.#result(request, version))
      return results
    } finally {
      this.#isIdle = true
      if (this.#isOpen) this.#lock.becameIdle(this)
    }
  }

  #told(error: unknown): StreamError {
    const told = streamErrorOf(error)
    this.#onError(error)
    return told
  }

  async #result(request: StreamRequest, version: HranaVersion): Promise<JsonObject> {
    try {
      return { type: 'ok', response: { type: request.type, ...(await this.#response(request, version)) } }
    } catch (error) {
      if (error instanceof ProtocolViolation) throw error
      const { message, code } = this.#told(error)
      return { type: 'error', error: { message, code } }
    }
  }

  async #response(request: StreamRequest, version: HranaVersion): Promise<JsonObject> {
    switch (request.type) {
      case 'close':
        this.close()
        return {}
      case 'execute':
        this.#demandOpen()
        return { result: stmtResultBody(await this.#execute(this.#prepare(request.stmt))) }
      case 'batch':
        this.#demandOpen()
        return { result: await this.#batch(request.steps, version) }
      case 'sequence':
        this.#demandOpen()
        return this.#sequence(this.#sqlOf(request.text))
      case 'describe':
        this.#demandOpen()
        return { result: this.#describe(this.#sqlOf(request.text)) }
      case 'store_sql':
        return this.#store(request.sqlId, request.sql)
      case 'close_sql':
        this.#storedSql.delete(request.sqlId)
        return {}
      case 'get_autocommit':
        demandVersion3(version, 'The `get_autocommit` request')
        this.#demandOpen()
        return { is_autocommit: !this.#connection.isInTransaction }
    }
  }

  #demandOpen(): void {
    if (!this.#isOpen) throw new ProtocolViolation('Stream for this baton was closed')
  }

  #store(sqlId: number, sql: string): JsonObject {
    if (this.#storedSql.has(sqlId)) throw new ProtocolViolation(`SQL text ${sqlId} already exists`)
    const count = this.#storedSql.size
    if (count >= maxStoredSqlCount) {
      throw new StreamError('SQL_STORE_TOO_MANY', `The server already stores ${count} SQL texts, it cannot store more`)
    }
    const bytes = Buffer.byteLength(sql)
    if (bytes > maxStoredSqlBytes) {
      throw new StreamError('SQL_STORE_TOO_LARGE', `The statement is too large to be stored: ${bytes} B/5.0 KB`)
    }
    this.#storedSql.set(sqlId, sql)
    return {}
  }

  #sqlOf({ sql, sqlId }: SqlReference): string {
    if (sql !== undefined && sqlId !== undefined) {
      throw new ProtocolViolation('Either `sql` or `sql_id` are required, but not both')
    }
    if (sql !== undefined) return sql
    if (sqlId === undefined) throw new ProtocolViolation('Either `sql` or `sql_id` are required')
    const stored = this.#storedSql.get(sqlId)
    if (stored === undefined) throw new ProtocolViolation(`SQL text ${sqlId} not found`)
    return stored
  }

  #prepare(stmt: Stmt): PreparedStmt {
    const statement = oneStatement(this.#sqlOf(stmt.text))
    if (stmt.args.length > 0 && stmt.namedArgs.length > 0) {
      throw new StreamError(
        'ARGS_BOTH_POSITIONAL_AND_NAMED',
        'Specifying both positional and named arguments is not supported',
      )
    }
    return { statement, params: paramsOf(statement, stmt), wantRows: stmt.wantRows }
  }

  async #execute({ statement, params, wantRows }: PreparedStmt): Promise<StmtOutcome> {
    const startedAtMs = performance.now()
    if (this.#lostTransaction) return this.#afterLoss(statement, startedAtMs)
    const { columns, rows } = await this.#run(statement, params)
    const counts = statement.isChange ? this.#connection.counts() : undefined
    return {
      columns,
      rows: wantRows ? rows : [],
      affectedRowCount: counts?.changes ?? 0,
      lastInsertRowid: statement.isInsert && counts !== undefined ? counts.lastInsertRowid : null,
      durationMs: performance.now() - startedAtMs,
    }
  }

  /**
   * The write lock was taken away, the transaction undone. Nothing that the client still sends as part of it may be done
   * on its own: everything fails up to its ROLLBACK. (sqld fails one statement and commits the next by itself.)
   */
  #afterLoss({ isRollback }: SqliteStatement, startedAtMs: number): StmtOutcome {
    if (!isRollback) throw new StreamError('TRANSACTION_TIMEOUT', 'Transaction timed out')
    this.#lostTransaction = false
    const durationMs = performance.now() - startedAtMs
    return { columns: [], rows: [], affectedRowCount: 0, lastInsertRowid: null, durationMs }
  }

  async #run(statement: SqliteStatement, params: readonly SqliteValue[]): Promise<SqliteRows> {
    // The binding leaves EXPLAIN of a writing statement unfinished, and no later COMMIT on its connection passes.
    if (statement.touchesConnection || statement.isExplain) this.#connection.markAltered()
    try {
      if (statement.isBegin) return await this.#begin(statement)
      if (!statement.isWrite)
        return await whenUnlocked(this.#lockSeconds, () => this.#connection.run(statement.sql, params))
      return await this.#write(statement.sql, params)
    } finally {
      if (!this.#connection.isInTransaction) this.#lock.release(this)
    }
  }

  async #begin({ sql, isWrite }: SqliteStatement): Promise<SqliteRows> {
    if (isWrite && !this.#connection.isInTransaction) await this.#lock.acquire(this)
    await whenUnlocked(this.#lockSeconds, () => this.#connection.command(sql))
    return { columns: [], rows: [] }
  }

  async #write(sql: string, params: readonly SqliteValue[]): Promise<SqliteRows> {
    const isAlone = !this.#connection.isInTransaction
    if (!this.#lock.isHeldBy(this)) {
      await this.#lock.acquire(this)
      await whenUnlocked(this.#lockSeconds, () => this.#connection.takeWriteLock())
    }
    if (!isAlone) return this.#connection.run(sql, params)
    try {
      const rows = this.#connection.run(sql, params)
      this.#connection.command('COMMIT')
      return rows
    } catch (error) {
      this.#connection.rollBack()
      throw error
    }
  }

  async #batch(steps: readonly BatchStep[], version: HranaVersion): Promise<JsonObject> {
    for (const [index, { condition }] of steps.entries()) {
      if (condition !== undefined) checkCondition(condition, index, version)
    }
    const prepared = steps.map((step) => this.#prepare(step.stmt))
    const results: (JsonObject | null)[] = []
    const errors: (JsonObject | null)[] = []
    for (const [index, stmt] of prepared.entries()) {
      const condition = steps[index]?.condition
      const isDue = condition === undefined || this.#holds(condition, results)
      const outcome = isDue ? await this.#step(stmt) : { result: null, error: null }
      results.push(outcome.result)
      errors.push(outcome.error)
    }
    return { step_results: results, step_errors: errors, replication_index: null }
  }

  async #step(stmt: PreparedStmt): Promise<{ readonly result: JsonObject | null; readonly error: JsonObject | null }> {
    try {
      return { result: stmtResultBody(await this.#execute(stmt)), error: null }
    } catch (error) {
      const { message, code } = this.#told(error)
      return { result: null, error: { message, code } }
    }
  }

  #holds(condition: BatchCondition, results: readonly unknown[]): boolean {
    switch (condition.type) {
      case 'ok':
        return results[condition.step] !== null
      // Also for a step that was skipped: so sqld has it, against the specification's text.
      case 'error':
        return results[condition.step] === null
      case 'not':
        return !this.#holds(condition.cond, results)
      case 'and':
        return condition.conds.every((cond) => this.#holds(cond, results))
      case 'or':
        return condition.conds.some((cond) => this.#holds(cond, results))
      case 'is_autocommit':
        return !this.#connection.isInTransaction
    }
  }

  /** Every statement of the text, up to the first that fails. */
  async #sequence(sql: string): Promise<JsonObject> {
    for (const statement of statementsOf(sql)) await this.#execute({ statement, params: [], wantRows: false })
    return {}
  }

  #describe(sql: string): JsonObject {
    const statement = oneStatement(sql)
    return {
      params: statement.parameters.map((name) => ({ name: name ?? null })),
      cols: this.#connection.describe(statement.sql).map(columnBody),
      is_explain: statement.isExplain,
      is_readonly: statement.isReadonly,
    }
  }
}

/** Another process may hold the lock: it is asked for again and again, at random, for as long as sqld would wait. */
async function whenUnlocked<T>(seconds: number, act: () => T): Promise<T> {
  const deadlineMs = performance.now() + seconds * 1000
  for (let attempt = 1; ; attempt += 1) {
    try {
      return act()
    } catch (error) {
      const canWait = error instanceof SqliteFailure && error.isLocked && performance.now() < deadlineMs
      if (!canWait) throw error
      await delay(Math.random() * Math.min(20, 2 * attempt))
    }
  }
}

function statementsOf(sql: string): readonly SqliteStatement[] {
  // SQLite would stop at the character and run what stands before it.
  if (sql.includes('\0')) throw new StreamError('SQL_PARSE_ERROR', 'SQL string could not be parsed: NUL character')
  const split = splitSqlite(sql)
  if (split.ok) return split.statements
  throw new StreamError(
    'SQL_PARSE_ERROR',
    `SQL string could not be parsed: unsupported statement: ${split.unsupported}`,
  )
}

function oneStatement(sql: string): SqliteStatement {
  const [statement, second] = statementsOf(sql)
  if (statement === undefined) throw new StreamError('SQL_NO_STATEMENT', 'SQL string does not contain any statement')
  if (second !== undefined) throw new StreamError('SQL_MANY_STATEMENTS', 'SQL string contains more than one statement')
  return statement
}

function paramsOf({ parameters }: SqliteStatement, { args, namedArgs }: Stmt): readonly SqliteValue[] {
  const count = Math.max(args.length, namedArgs.length)
  if (count > parameters.length) {
    throw argsInvalid(`too many parameters, expected ${parameters.length} found ${count}`)
  }
  const params = parameters.map((name, index) => {
    const value = name === undefined || name.startsWith('?') ? args[index] : namedValue(namedArgs, name)
    if (value === undefined) throw argsInvalid(`value for parameter ${name ?? index + 1} not found`)
    return value
  })
  // The binding cuts a text at this character.
  if (params.some((value) => typeof value === 'string' && value.includes('\0'))) {
    throw argsInvalid('text with a NUL character is not supported')
  }
  return params
}

function namedValue(namedArgs: Stmt['namedArgs'], name: string): SqliteValue | undefined {
  return namedArgs.find((argument) => argument.name === name || argument.name === name.slice(1))?.value
}

function argsInvalid(reason: string): StreamError {
  return new StreamError('ARGS_INVALID', `Arguments do not match SQL parameters: ${reason}`)
}

function checkCondition(condition: BatchCondition, stepIndex: number, version: HranaVersion): void {
  switch (condition.type) {
    case 'ok':
    case 'error':
      if (condition.step < 0 || condition.step >= stepIndex) {
        throw new ProtocolViolation('Invalid reference to step in a batch condition')
      }
      return
    case 'not':
      return checkCondition(condition.cond, stepIndex, version)
    case 'and':
    case 'or':
      return condition.conds.forEach((cond) => checkCondition(cond, stepIndex, version))
    case 'is_autocommit':
      return demandVersion3(version, 'BatchCond of type `is_autocommit`')
  }
}

function demandVersion3(version: HranaVersion, what: string): void {
  if (version < 3) throw new ProtocolViolation(`${what} is only supported in protocol version hrana3 and higher`)
}
