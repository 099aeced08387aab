/**
 * The floor of `millrace serve`: one process of Node that verifies the token and sends the product's own SQL through the
 * driver itself, prepared, and does nothing else. Started by bench/serve.ts, which hands it its variables.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Database from 'libsql'
import pg from 'pg'
import type { Argument, Statements, Template, Values } from './floor-contract.ts'
import { instants } from './floor-contract.ts'

interface ServeFloorVars {
  readonly dialect: 'sqlite' | 'postgres'
  /** Of a file, or a connection string. */
  readonly database: string
  readonly secret: string
  readonly statements: Statements
}

type Run = (statements: readonly { readonly sql: string; readonly args: Argument[] }[]) => Promise<unknown>

const vars = JSON.parse(process.env['FLOOR'] ?? '{}') as ServeFloorVars
const secret = Buffer.from(vars.secret, 'base64url')
const run = vars.dialect === 'sqlite' ? openSqlite(vars.database) : openPostgres(vars.database)
const { write } = instants[vars.dialect]

function openSqlite(file: string): Run {
  const database = new Database(file, { timeout: 5000 })
  for (const pragma of ['journal_mode = wal', 'synchronous = full', 'foreign_keys = on']) database.pragma(pragma)
  const prepared = new Map<string, Database.Statement>()
  const statementOf = (sql: string) => {
    const known = prepared.get(sql) ?? database.prepare(sql)
    prepared.set(sql, known)
    return known
  }
  const one = ({ sql, args }: { readonly sql: string; readonly args: Argument[] }): unknown => {
    const statement = statementOf(sql)
    const values = args.map((arg) => (typeof arg === 'number' ? BigInt(arg) : arg))
    return statement.reader ? statement.raw().all(values) : statement.run(values)
  }
  return (statements) => {
    if (statements.length === 1) return Promise.resolve(statements.map(one))
    database.exec('begin immediate')
    const results = statements.map(one)
    database.exec('commit')
    return Promise.resolve(results)
  }
}

function openPostgres(url: string): Run {
  const pool = new pg.Pool({ connectionString: url, max: 15 })
  const names = new Map<string, string>()
  const nameOf = (sql: string) => {
    const known = names.get(sql) ?? `floor_${names.size}`
    names.set(sql, known)
    return known
  }
  return async (statements) => {
    const client = await pool.connect()
    try {
      const results = []
      if (statements.length > 1) await client.query('begin')
      for (const { sql, args } of statements) {
        results.push(await client.query({ name: nameOf(sql), text: sql, values: args, rowMode: 'array' }))
      }
      if (statements.length > 1) await client.query('commit')
      return results
    } finally {
      client.release()
    }
  }
}

/** HS256 alone. */
function callerOf(authorization: string): Pick<Values, 'userId' | 'issuedAt' | 'sessionId'> {
  const [head = '', payload = '', signature = ''] = authorization.slice('Bearer '.length).split('.')
  const expected = createHmac('sha256', secret).update(`${head}.${payload}`).digest()
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('the token is wrong')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    readonly sub: string
    readonly iat: number
    readonly sid: string
  }
  return { userId: claims.sub, issuedAt: write(new Date(claims.iat * 1000 + 999)), sessionId: claims.sid }
}

const isId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Ids that the recording made are new ones for each request, each in all of its places. */
function fill(templates: readonly Template[], values: Values) {
  const ids = new Map<string, string>()
  const argument = (arg: Template['args'][number]): Argument => {
    if (typeof arg === 'object' && arg !== null) return values[arg.name]
    if (typeof arg !== 'string' || !isId.test(arg)) return arg
    const id = ids.get(arg) ?? crypto.randomUUID()
    ids.set(arg, id)
    return id
  }
  return templates.map(({ sql, args }) => ({ sql, args: args.map(argument) }))
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => void respond(request, response, chunks))
})

async function respond(request: IncomingMessage, response: ServerResponse, chunks: readonly Buffer[]): Promise<void> {
  const { method = '', url = '', headers } = request
  const revision = Number(headers['if-match']?.slice(1, -1) ?? 0)
  try {
    const body = await answer({ method, path: url, authorization: headers.authorization ?? '', revision, chunks })
    response.writeHead(method === 'POST' ? 201 : 200, {
      'Content-Type': 'application/json',
      ETag: `"${revision + 1}"`,
    })
    response.end(body)
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string
  readonly revision: number
  readonly chunks: readonly Buffer[]
}

function actOf(method: string, path: string): keyof Statements {
  if (method === 'POST') return 'create'
  if (method === 'PATCH') return 'patch'
  if (path.endsWith('/versions')) return 'history'
  return path === '/v1/workflows' ? 'list' : 'read'
}

async function answer({ method, path, authorization, revision, chunks }: Asked): Promise<string> {
  const caller = callerOf(authorization)
  const act = actOf(method, path)
  const text = Buffer.concat(chunks).toString()
  const body = text === '' ? undefined : (JSON.parse(text) as { readonly name?: string; readonly definition: unknown })
  const name = body?.name ?? ''
  const values: Values = {
    ...caller,
    requestId: crypto.randomUUID(),
    network: '127.0.0.1',
    id: act === 'create' ? crypto.randomUUID() : (path.split('/')[3] ?? ''),
    versionId: crypto.randomUUID(),
    operation: crypto.randomUUID(),
    name,
    nameKey: name.toLowerCase(),
    definition: body === undefined ? '' : JSON.stringify(body.definition),
    revision,
    at: write(new Date()),
  }
  return JSON.stringify(await run(fill(vars.statements[act], values)), (_key, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  )
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`)
})
