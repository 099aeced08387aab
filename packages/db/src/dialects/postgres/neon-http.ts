/**
 * What the functions use of `@neondatabase/serverless` to answer requests, by its own names: in workerd `#neon` is this
 * file (package.json). Of the driver's 46 KB (gzipped), all but 3 are PostgreSQL's protocol over WebSocket, which only
 * snapshots speak (docs/adr/0018). Everything else, the command line and the tests, uses the driver;
 * test/gateway/neon-http.test.ts compares the two.
 */

interface NeonConfig {
  fetchFunction: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  fetchEndpoint: ((host: string, port: string) => string) | undefined
}

export const neonConfig: NeonConfig = { fetchFunction: undefined, fetchEndpoint: undefined }

const errorFields = [
  ...['severity', 'code', 'detail', 'hint', 'position', 'internalPosition', 'internalQuery', 'where', 'schema'],
  ...['table', 'column', 'dataType', 'constraint', 'file', 'line', 'routine'],
]

/** What the endpoint or the server says is wrong; with PostgreSQL's own fields where the server said it. */
export class NeonDbError extends Error {
  override readonly name = 'NeonDbError'
  readonly code: string | undefined
  readonly sourceError: Error | undefined

  constructor(message: string, fields: object = {}) {
    super(message)
    Object.assign(this, fields)
  }
}

interface QueryOptions {
  readonly arrayMode?: boolean
  readonly fullResults?: boolean
  /** Not asked: rows are the server's text, as the one caller wants them. */
  readonly types?: unknown
  /** Over those of `neon`, for this request. */
  readonly fetchOptions?: object
}

interface Queried {
  readonly query: string
  readonly params: readonly (string | null)[]
}

export interface Results {
  readonly fields: readonly unknown[]
  readonly rows: readonly (readonly (string | null)[])[]
  readonly rowCount: number
  readonly command: string
}

/** Runs when it is awaited, unless it goes into a transaction. */
class NeonQuery implements PromiseLike<Results> {
  readonly queried: Queried
  readonly #run: () => Promise<Results>

  constructor(queried: Queried, run: () => Promise<Results>) {
    this.queried = queried
    this.#run = run
  }

  // oxlint-disable-next-line unicorn/no-thenable -- as the driver has it: what is never awaited is never sent
  then<Done = Results, Failed = never>(
    done?: ((results: Results) => Done | PromiseLike<Done>) | null,
    failed?: ((reason: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Done | Failed> {
    // oxlint-disable-next-line promise/no-callback-in-promise -- a thenable is handed callbacks
    return this.#run().then(done, failed)
  }
}

interface NeonOptions extends QueryOptions {
  readonly disableWarningInBrowsers?: boolean
}

/** `isolationLevel` is the driver's name for one: `ReadCommitted`. */
interface TransactionOptions extends QueryOptions {
  readonly isolationLevel?: string
}

/** Neon's SQL over HTTP, one request a query or transaction, rows as arrays of the server's text. */
export function neon(connectionString: string, common: NeonOptions) {
  const url = urlOf(connectionString)
  return {
    query(query: string, params: readonly unknown[], { fetchOptions }: QueryOptions) {
      const queried = { query, params: params.map(textOf) }
      return new NeonQuery(queried, () => post<Results>(queried, {}, fetchOptions))
    },
    async transaction(queries: readonly NeonQuery[], { isolationLevel, fetchOptions }: TransactionOptions) {
      const level = isolationLevel === undefined ? {} : { 'Neon-Batch-Isolation-Level': isolationLevel }
      const body = { queries: queries.map(({ queried }) => queried) }
      const { results } = await post<{ results: readonly Results[] }>(body, level, fetchOptions)
      return results
    },
  }

  async function post<Answer>(
    body: object,
    headers: Readonly<Record<string, string>>,
    fetchOptions: object | undefined,
  ): Promise<Answer> {
    const { fetchFunction = fetch, fetchEndpoint } = neonConfig
    const endpoint = fetchEndpoint?.(url.hostname, url.port) ?? `https://${url.host}/sql`
    const answer = await fetchFunction(endpoint, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        'Neon-Connection-String': `postgresql:${url.href.slice(url.protocol.length)}`,
        'Neon-Raw-Text-Output': 'true',
        'Neon-Array-Mode': 'true',
        ...headers,
      },
      ...common.fetchOptions,
      ...fetchOptions,
    }).catch((reason: unknown) => {
      throw new NeonDbError(`Error connecting to database: ${String(reason)}`, { sourceError: reason })
    })
    // A boundary parser: the endpoint answers what its protocol says.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    if (answer.ok) return (await answer.json()) as Answer
    throw await errorOf(answer)
  }
}

/** Parsed as http, whose rules for hosts are the web's; `postgresql:` has none. */
function urlOf(connectionString: string): URL {
  const { protocol } = new URL(connectionString)
  const url = new URL(`http:${connectionString.slice(protocol.length)}`)
  url.searchParams.append('application_name', 'millrace')
  return url
}

function textOf(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      if (value === null) return null
      throw new TypeError(`a parameter of PostgreSQL is text, not ${typeof value}`)
  }
}

async function errorOf(answer: Response): Promise<NeonDbError> {
  if (answer.status !== 400) {
    return new NeonDbError(`Server error (HTTP status ${answer.status}): ${await answer.text()}`)
  }
  const said: unknown = await answer.json()
  const fields: Readonly<Record<string, unknown>> = typeof said === 'object' ? { ...said } : {}
  const known = errorFields.map((name) => [name, fields[name] ?? undefined] as const)
  return new NeonDbError(String(fields['message']), Object.fromEntries(known))
}
