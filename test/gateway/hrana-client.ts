export type Wire = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  /** The pipeline's results without what differs from run to run; for an error the body or its text. */
  readonly results?: readonly unknown[]
  readonly error?: unknown
  readonly isOpen?: boolean
}

interface PipelineBody {
  readonly baton: string | null
  readonly base_url: null
  readonly results: readonly unknown[]
}

/** Members of a result that name counters and clocks of sqld's own. */
const volatile: ReadonlySet<string> = new Set(['replication_index', 'rows_read', 'rows_written', 'query_duration_ms'])

/** One Hrana stream over HTTP, driven by hand: what the driver would never send can be sent, too. */
export class HranaClient {
  readonly #url: string
  readonly #version: 2 | 3
  baton: string | null = null

  constructor(url: string, version: 2 | 3 = 3) {
    this.#url = url
    this.#version = version
  }

  async send(...requests: readonly Wire[]): Promise<Answer> {
    return this.sendText(JSON.stringify({ ...(this.baton === null ? {} : { baton: this.baton }), requests }))
  }

  async sendText(body: string): Promise<Answer> {
    const response = await fetch(new URL(`v${this.#version}/pipeline`, this.#url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const text = await response.text()
    if (response.status !== 200) return { status: response.status, error: isJson(response) ? JSON.parse(text) : text }
    const { baton, results } = JSON.parse(text) as PipelineBody
    this.baton = baton
    return { status: 200, results: results.map(withoutVolatile), isOpen: baton !== null }
  }
}

function isJson(response: Response): boolean {
  return response.headers.get('content-type') === 'application/json'
}

function withoutVolatile(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVolatile)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !volatile.has(key))
      .map(([key, member]) => [key, withoutVolatile(member)]),
  )
}

export const close: Wire = { type: 'close' }

export function execute(sql: string, ...args: readonly Wire[]): Wire {
  return { type: 'execute', stmt: { sql, args } }
}

export function executeNamed(sql: string, named: Readonly<Record<string, Wire>>): Wire {
  return { type: 'execute', stmt: { sql, named_args: Object.entries(named).map(([name, value]) => ({ name, value })) } }
}

export function batch(...steps: readonly (string | { readonly sql: string; readonly condition: Wire })[]): Wire {
  return {
    type: 'batch',
    batch: {
      steps: steps.map((step) =>
        typeof step === 'string' ? { stmt: { sql: step } } : { stmt: { sql: step.sql }, condition: step.condition },
      ),
    },
  }
}

export const nothing: Wire = { type: 'null' }
export const integer = (value: bigint | number): Wire => ({ type: 'integer', value: String(value) })
export const float = (value: number): Wire => ({ type: 'float', value })
export const text = (value: string): Wire => ({ type: 'text', value })
export const blob = (base64: string): Wire => ({ type: 'blob', base64 })

/** What a statement that went well gives. */
export function done(response: Partial<Rows> = {}): unknown {
  return { type: 'ok', response: { type: 'execute', result: stmtResult(response) } }
}

export interface Rows {
  /** A name, or a name and a declared type. */
  readonly cols: readonly (string | readonly [string, string])[]
  readonly rows: readonly (readonly Wire[])[]
  readonly affected: number
  readonly rowid: string
}

export function stmtResult({ cols = [], rows = [], affected = 0, rowid }: Partial<Rows>): unknown {
  return {
    cols: cols.map((col) =>
      typeof col === 'string' ? { name: col, decltype: null } : { name: col[0], decltype: col[1] },
    ),
    rows,
    affected_row_count: affected,
    last_insert_rowid: rowid ?? null,
  }
}

export function failed(code: string, message: unknown): unknown {
  return { type: 'error', error: { code, message } }
}

export const closed = { type: 'ok', response: { type: 'close' } }
