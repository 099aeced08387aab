/** The least that a function can do for these requests: it verifies the token, and leaves the rest to the same SQL. */
import { newId } from '@millrace/api/ids'
import { instants, type FloorVars, type Statements, type Template, type Values } from './floor-contract.ts'
import { connect, type Send } from './floor-drivers.ts'

type Claims = { readonly sub: string; readonly jti: string; readonly sid: string; readonly exp: number }
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>
let isolate: { readonly send: Send; readonly key: Key; readonly statements: Statements } | undefined

const hmac = { name: 'HMAC', hash: 'SHA-256' }
const base64 = (base64url: string) => atob(base64url.replaceAll('-', '+').replaceAll('_', '/'))
const bytes = (base64url: string) => Uint8Array.from(base64(base64url), (character) => character.charCodeAt(0))

async function start(vars: FloorVars) {
  const key = await crypto.subtle.importKey('raw', bytes(vars.SECRET), hmac, false, ['verify'])
  return { send: connect(vars), key, statements: JSON.parse(vars.STATEMENTS) as Statements }
}

async function verify(key: Key, authorization: string | null): Promise<Claims | undefined> {
  const [head = '', claims = '', signature = ''] = authorization?.slice('Bearer '.length).split('.') ?? []
  const signed = new TextEncoder().encode(`${head}.${claims}`)
  if (!(await crypto.subtle.verify('HMAC', key, bytes(signature), signed))) return undefined
  const token = JSON.parse(base64(claims)) as Claims
  return token.exp * 1000 > Date.now() ? token : undefined
}

/** The columns are the product's: id, name, description, owner, is public, version, revision, created, updated. */
function written(columns: readonly unknown[], read: (stored: unknown) => Date, definition?: string): string {
  const [id, name, description, ownerId, flag, version, revision, created, updated] = columns
  const document = definition === undefined ? '' : `,"definition":${definition}`
  const [isPublic, permission] = [flag === 't' || Number(flag) === 1, 'owner']
  const counts = { versionNumber: Number(version), revision: Number(revision) }
  const rest = { ownerId, isPublic, ...counts, permission, createdAt: read(created), updatedAt: read(updated) }
  const start = JSON.stringify({ id, name, description })
  return `${start.slice(0, -1)}${document},${JSON.stringify(rest).slice(1)}`
}

function filled({ sql, args }: Template, values: Values) {
  return { sql, args: args.map((arg) => (typeof arg === 'object' && arg !== null ? values[arg.name] : arg)) }
}

const answered = (body: string, status: number, revision?: number) =>
  new Response(body, { status, headers: { 'Content-Type': 'application/json', ETag: `"${revision}"` } })

export default {
  async fetch(request: Request, vars: FloorVars): Promise<Response> {
    isolate ??= await start(vars)
    const token = await verify(isolate.key, request.headers.get('Authorization'))
    if (token === undefined) return new Response(null, { status: 401 })
    const { sub: userId, jti, sid: sessionId } = token
    const [, , , path] = new URL(request.url).pathname.split('/')
    const { write, read } = instants[vars.DIALECT]
    const [now, id] = [new Date(), path ?? newId(new Date())]
    const body = request.body === null ? {} : ((await request.json()) as { name?: string; definition?: object })
    const [name, definition] = [body.name ?? '', JSON.stringify(body.definition ?? {})]
    const [versionId, operation, at] = [newId(now), newId(now), write(now)]
    const issuedAt = write(new Date(Number.parseInt(jti.replace('-', '').slice(0, 12), 16)))
    const [nameKey, match] = [name.normalize('NFKC').toLowerCase().trim(), request.headers.get('If-Match')]
    const [requestId, network] = [newId(now), request.headers.get('CF-Connecting-IP') ?? '']
    const caller = { userId, sessionId, issuedAt, requestId, network }
    const keys = { id, versionId, operation, name, nameKey, definition, at }
    const values = { ...caller, ...keys, revision: Number(match?.slice(1, -1)) }
    const act = { POST: 'create', PATCH: 'patch', GET: path === undefined ? 'list' : 'read' } as const
    const templates = isolate.statements[act[request.method as keyof typeof act]]
    const rows = await isolate.send(templates.map((template) => filled(template, values)))
    const made = written([id, name, null, userId, 0, 1, 1, now, now], () => now, definition)
    if (request.method === 'POST') return answered(made, 201, 1)
    // Each row: what judges the caller (5 columns); of one workflow its owner, is public and share; then its columns.
    if (rows[0]?.[1] !== userId) return new Response(null, { status: 401 })
    if (path === undefined)
      return answered(`{"items":[${rows.map((row) => written(row.slice(5), read)).join(',')}],"nextCursor":null}`, 200)
    const [ownerId, isPublic, , ...rest] = rows[0].slice(5)
    if (ownerId !== userId) return new Response(null, { status: 404 })
    const columns = [...rest.slice(0, 3), ownerId, isPublic, ...rest.slice(3)]
    return answered(written(columns, read, String(rest[7])), 200, Number(rest[4]))
  },
}
