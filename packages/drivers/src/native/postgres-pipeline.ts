import type { Connection, DatabaseError, Submittable } from 'pg'
import type { PostgresValue } from '../tcp/postgres-values.ts'
import type { StatementName } from './statement-names.ts'

/** A statement of a pipeline; with a name the server parses and plans it once for the connection. */
export interface PipelinedStatement {
  readonly text: string
  readonly values: readonly PostgresValue[]
  readonly name: StatementName | undefined
}

export interface PipelinedResult {
  readonly rows: readonly (readonly PostgresValue[])[]
  readonly affected: number
}

/** Each costs the server memory, on each connection. */
const mostNames = 300
/** Of lists of any length, each length is another text: no list may take the others' places. */
const mostOfOneShape = 20

/** What the server knows of a connection's named statements, the one that was used last at the end. */
export class ParsedStatements {
  readonly #kept = new Map<string, KeptStatement>()

  /**
   * What has to be sent with a pipeline that has these names.
   * @returns the names to close before it, and for each of its own whether it is parsed; one that is left out has no place
   */
  planOf(names: readonly StatementName[]): {
    readonly close: readonly string[]
    readonly parse: ReadonlyMap<string, boolean>
  } {
    const parse = new Map<string, boolean>()
    const close: string[] = []
    for (const { name } of names) {
      const kept = this.#kept.get(name)
      if (kept === undefined) continue
      this.#kept.delete(name)
      this.#kept.set(name, kept)
      if (!parse.has(name) && !kept.isKnown) close.push(name)
      if (!parse.has(name)) parse.set(name, !kept.isKnown)
    }
    for (const { name, shape } of names) {
      if (parse.has(name)) continue
      const evicted = this.#placeFor(shape)
      if (evicted !== undefined && parse.has(evicted)) continue
      if (evicted !== undefined) {
        this.#kept.delete(evicted)
        close.push(evicted)
      }
      this.#kept.set(name, { shape, isKnown: false })
      parse.set(name, true)
    }
    return { close, parse }
  }

  /** They came with a pipeline that the server has done. */
  noteKnown(names: readonly string[]): void {
    for (const name of names) {
      const kept = this.#kept.get(name)
      if (kept !== undefined) kept.isKnown = true
    }
  }

  /** Of each the server may know nothing, or a plan that it can't use any more. */
  doubtAll(): void {
    for (const kept of this.#kept.values()) kept.isKnown = false
  }

  /** The name that gives way to a new one; undefined where there is room. */
  #placeFor(shape: string): string | undefined {
    const alike = [...this.#kept].filter(([, kept]) => kept.shape === shape)
    if (alike.length >= mostOfOneShape) return alike[0]?.[0]
    return this.#kept.size >= mostNames ? this.#kept.keys().next().value : undefined
  }
}

interface KeptStatement {
  readonly shape: string
  /** False where its parsing is under way, or came with a pipeline that failed, which may or may not have come to it. */
  isKnown: boolean
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
  #names: readonly string[] = []
  readonly #done: PipelinedResult[] = []
  #rows: PostgresValue[][] = []

  constructor(statements: readonly PipelinedStatement[], parsed: ParsedStatements) {
    this.#statements = statements
    this.#parsed = parsed
    this.results = this.#outcome.promise
  }

  submit(connection: Connection): void {
    const { close, parse } = this.#parsed.planOf(this.#statements.flatMap(({ name }) => name ?? []))
    this.#names = [...parse.keys()]
    const unparsed = new Set([...parse].flatMap(([name, isToParse]) => (isToParse ? [name] : [])))
    connection.stream.cork()
    try {
      // Before all else: what fails behind them does not hinder them. To close one that is not there is no error.
      for (const name of close) connection.close({ type: 'S', name }, true)
      for (const statement of this.#statements) {
        const name = statement.name !== undefined && parse.has(statement.name.name) ? statement.name.name : ''
        const isParsed = name !== '' && !unparsed.delete(name)
        if (!isParsed) connection.parse({ name, text: statement.text, types: [] }, true)
        connection.bind({ portal: '', statement: name, values: [...statement.values], binary: '' }, true)
        connection.execute({ portal: '', rows: '' }, true)
      }
      connection.sync()
    } finally {
      connection.stream.uncork()
    }
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
    this.#parsed.noteKnown(this.#names)
    this.#outcome.resolve(this.#done)
  }

  #fail(error: Error): void {
    this.#outcome.reject(error)
  }
}
