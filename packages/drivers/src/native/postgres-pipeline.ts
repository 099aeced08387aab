import type { Connection, DatabaseError, Submittable } from 'pg'
import type { PostgresValue } from '../tcp/postgres-values.ts'

/** A statement of a pipeline; with a name the server parses and plans it once for the connection. */
export interface PipelinedStatement {
  readonly text: string
  readonly values: readonly PostgresValue[]
  readonly name: string | undefined
}

export interface PipelinedResult {
  readonly rows: readonly (readonly PostgresValue[])[]
  readonly affected: number
}

/** What the server knows of a connection's named statements. */
export class ParsedStatements {
  readonly #known = new Set<string>()
  /** Sent with a pipeline that failed, which may or may not have come to it. */
  readonly #doubtful = new Set<string>()

  /** What has to be sent before a named statement is bound. */
  needOf(name: string): 'nothing' | 'parse' | 'close and parse' {
    if (this.#known.has(name)) return 'nothing'
    return this.#doubtful.has(name) ? 'close and parse' : 'parse'
  }

  note(names: readonly string[], { isKnown }: { readonly isKnown: boolean }): void {
    for (const name of names) {
      if (isKnown) this.#known.add(name)
      else this.#doubtful.add(name)
      if (isKnown) this.#doubtful.delete(name)
    }
  }
}

// Messages of the protocol, as pg's parser hands them to the query that is under way.
interface DataRow {
  readonly fields: PostgresValue[]
}
interface CommandComplete {
  readonly text: string
}

/**
 * Statements of the extended protocol with one Sync behind all of them
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING): the server answers all at once,
 * where pg's own queries make it answer, and both sides wake, for each. After one that failed it reads none of the
 * others. Rows are asked for without their description: who sends a statement knows its columns, and all come as text.
 */
export class Pipeline implements Submittable {
  readonly results: Promise<readonly PipelinedResult[]>
  readonly #statements: readonly PipelinedStatement[]
  readonly #parsed: ParsedStatements
  readonly #outcome = Promise.withResolvers<readonly PipelinedResult[]>()
  readonly #newNames: string[] = []
  readonly #done: PipelinedResult[] = []
  #rows: PostgresValue[][] = []

  constructor(statements: readonly PipelinedStatement[], parsed: ParsedStatements) {
    this.#statements = statements
    this.#parsed = parsed
    this.results = this.#outcome.promise
  }

  submit(connection: Connection): void {
    connection.stream.cork()
    try {
      for (const statement of this.#statements) this.#send(connection, statement)
      connection.sync()
    } finally {
      connection.stream.uncork()
    }
  }

  #send(connection: Connection, { text, values, name }: PipelinedStatement): void {
    const need = name === undefined ? 'parse' : this.#newNames.includes(name) ? 'nothing' : this.#parsed.needOf(name)
    const statement = name ?? ''
    if (need === 'close and parse') connection.close({ type: 'S', name: statement }, true)
    if (need !== 'nothing') connection.parse({ name: statement, text, types: [] }, true)
    if (need !== 'nothing' && name !== undefined) this.#newNames.push(name)
    connection.bind({ portal: '', statement, values: [...values], binary: '' }, true)
    connection.execute({ portal: '', rows: '' }, true)
  }

  handleDataRow({ fields }: DataRow): void {
    this.#rows.push(fields)
  }

  handleCommandComplete({ text }: CommandComplete): void {
    // `INSERT 0 1`, `UPDATE 2`, `SELECT 3`, `COMMIT`.
    const affected = Number(/ (\d+)$/.exec(text)?.[1] ?? 0)
    this.#done.push({ rows: this.#rows, affected })
    this.#rows = []
  }

  handleEmptyQuery(): void {
    this.#done.push({ rows: [], affected: 0 })
  }

  handlePortalSuspended(): void {
    this.#fail(new Error('a portal was suspended, though all of its rows were asked for'))
  }

  handleError(error: DatabaseError | Error): void {
    this.#fail(error)
  }

  handleReadyForQuery(): void {
    this.#parsed.note(this.#newNames, { isKnown: true })
    this.#outcome.resolve(this.#done)
  }

  #fail(error: Error): void {
    this.#parsed.note(this.#newNames, { isKnown: false })
    this.#outcome.reject(error)
  }
}
