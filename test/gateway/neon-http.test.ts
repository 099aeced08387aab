import * as driver from '@neondatabase/serverless'
import * as own from '@millrace/db/dialects/postgres/neon-http'
import { afterEach, describe, expect, test } from 'vitest'

/**
 * The functions' own client of Neon's HTTP protocol and the unmodified driver, side by side: the same requests, and of
 * the same answers the same results and errors.
 */
const connection = 'postgresql://ada:p%40ss%20w%3A%2F@ep-cool-1.eu.aws.neon.tech/works'

interface Sent {
  /** Options of `neon`, of the query and of the transaction that come through to `fetchFunction`. */
  readonly own: unknown
  readonly url: string
  readonly method: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

interface Exchange {
  readonly sent: readonly Sent[]
  readonly outcome: unknown
}

type Answering = () => Response | Promise<Response>
type Asking = (sql: Sql) => PromiseLike<unknown>

/** What the transport uses of either. */
interface Sql {
  query(text: string, params: unknown[], options: object): PromiseLike<unknown>
  transaction(queries: never[], options: object): Promise<unknown>
}

const options = {
  arrayMode: true,
  fullResults: true,
  types: { getTypeParser: () => (value: string) => value },
} as const

afterEach(() => {
  for (const { neonConfig } of [driver, own]) {
    neonConfig.fetchFunction = undefined
    neonConfig.fetchEndpoint = endpoint
  }
})

const endpoint = (host: string, port: string | number) => `https://api.${host}:${port}/sql`

async function exchange(client: typeof driver | typeof own, asking: Asking, answering: Answering): Promise<Exchange> {
  const sent: Sent[] = []
  client.neonConfig.fetchEndpoint = endpoint
  client.neonConfig.fetchFunction = (url: string, { method, headers, body, ...own }: RequestInit) => {
    if (typeof body !== 'string') throw new TypeError('a body of the protocol is text')
    sent.push({ url, method, headers: headersOf(headers), body: JSON.parse(body) as unknown, own })
    return Promise.resolve(answering())
  }
  const sql = client.neon(connection, {
    ...options,
    disableWarningInBrowsers: true,
    fetchOptions: { ofNeon: 1, shared: 'neon' },
  }) as unknown as Sql
  try {
    return { sent, outcome: lasting(await asking(sql)) }
  } catch (error) {
    return { sent, outcome: errorOf(error) }
  }
}

/** The driver names itself to the server, and so do the functions. */
function headersOf(headers: RequestInit['headers']): Readonly<Record<string, string>> {
  const named = Object.fromEntries(new Headers(headers))
  const url = new URL(named['neon-connection-string'] ?? '')
  expect(url.searchParams.get('application_name')).toMatch(/^(millrace|pkg:npm\/)/)
  url.searchParams.delete('application_name')
  return { ...named, 'neon-connection-string': url.href }
}

/** What the transport reads of a result; the driver adds its own. */
function lasting(outcome: unknown): unknown {
  if (Array.isArray(outcome)) return outcome.map(lasting)
  const { rows, rowCount, command } = outcome as Record<string, unknown>
  return { rows, rowCount, command }
}

function errorOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { name, message } = error
  const fields = ['code', 'detail', 'constraint', 'column', 'table', 'schema', 'severity', 'sourceError']
  const own = error as unknown as Record<string, unknown>
  return { name, message, fields: fields.map((field) => [field, own[field]]) }
}

const one = {
  command: 'SELECT',
  rowCount: 2,
  fields: [
    { name: 'n', dataTypeID: 20 },
    { name: 'j', dataTypeID: 114 },
  ],
  rows: [
    ['1', '{"a": 1.0}'],
    [null, '{}'],
  ],
}
const write = { command: 'UPDATE', rowCount: 3, fields: [], rows: [] }
const violation = {
  message: 'duplicate key',
  code: '23505',
  constraint: 'users_pk',
  detail: 'Key (id)',
  severity: 'ERROR',
  table: 'users',
}

const select: Asking = (sql) => sql.query('select $1', ['a'], options)
const batch: Asking = (sql) =>
  sql.transaction([sql.query('update a', ['1', null], options), sql.query('select b', [], options)] as never[], {
    isolationLevel: 'ReadCommitted',
  })

const cases: readonly (readonly [name: string, asking: Asking, answering: Answering])[] = [
  ['a query', select, () => Response.json(one)],
  [
    'parameters of every kind that columns give',
    (sql) => sql.query('select $1,$2,$3,$4,$5', ['ü\u{1f600}', null, 7, true, 12345678901234567890n], options),
    () => Response.json(one),
  ],
  ['a batch', batch, () => Response.json({ results: [write, one] })],
  [
    'options of one query',
    (sql) => sql.query('select 1', [], { ...options, fetchOptions: { ofQuery: 1, shared: 'query' } }),
    () => Response.json(one),
  ],
  [
    'options of one batch, over those of its queries',
    (sql) =>
      sql.transaction([sql.query('select 1', [], { ...options, fetchOptions: { ofQuery: 1 } })] as never[], {
        fetchOptions: { ofBatch: 1, shared: 'batch' },
      }),
    () => Response.json({ results: [one] }),
  ],
  ['an error of the server', select, () => Response.json(violation, { status: 400 })],
  ['one in a batch', batch, () => Response.json(violation, { status: 400 })],
  ['an error without a code', select, () => Response.json({ message: 'no such database' }, { status: 400 })],
  ['a busy endpoint', select, () => new Response('wait', { status: 503 })],
  ['a refused token', select, () => new Response('', { status: 401 })],
  ['a connection that breaks', select, () => Promise.reject(new TypeError('fetch failed'))],
]

describe('own client and driver', () => {
  test.each(cases)('do the same with %s', async (_name, asking, answering) => {
    const ofDriver = await exchange(driver, asking, answering)
    const ofOwn = await exchange(own, asking, answering)
    expect(ofOwn).toEqual(ofDriver)
    expect(ofOwn.sent).toHaveLength(1)
  })

  test.each(cases)('tell the same kinds of errors apart in %s', async (_name, asking, answering) => {
    const isOwn = async (client: typeof driver | typeof own) => {
      client.neonConfig.fetchFunction = () => Promise.resolve(answering())
      const sql = client.neon(connection, { ...options, disableWarningInBrowsers: true }) as unknown as Sql
      return Promise.resolve(asking(sql)).then(
        () => 'done',
        (error: unknown) => error instanceof client.NeonDbError,
      )
    }
    expect(await isOwn(own)).toBe(await isOwn(driver))
  })

  test('send nothing for a query that is never awaited', async () => {
    let count = 0
    own.neonConfig.fetchFunction = () => {
      count += 1
      return Promise.resolve(Response.json(one))
    }
    const query = own.neon(connection, {}).query('select 1', [], options)
    expect(count).toBe(0)
    await query
    expect(count).toBe(1)
  })

  test('a parameter that is no text of PostgreSQL is refused before it is sent', () => {
    const sql = own.neon(connection, {})
    expect(() => sql.query('select $1', [{ a: 1 }], options)).toThrow(TypeError)
    expect(() => sql.query('select $1', [undefined], options)).toThrow(TypeError)
  })
})
