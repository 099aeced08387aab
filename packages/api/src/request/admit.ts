import type { Origin } from '@millrace/db/access/access'
import { scanBody, scanDocumentBody } from '@millrace/db/document'
import { authenticate, type Authenticated } from '../auth/authenticate.ts'
import { isSameSecret } from '../auth/same-secret.ts'
import type { AccessTokens } from '../auth/tokens.ts'
import { refuse, type Refused } from '../result.ts'
import type { Route } from '../route.ts'
import type { Access } from '../route-contract.ts'
import { isBodyOf, readBody } from './body.ts'
import type { Incoming, IncomingBody } from './incoming.ts'
import { readUrl } from './url.ts'

export interface Admitted extends Authenticated {
  readonly incoming: Incoming
}

interface AdmitOptions {
  readonly maxBodyBytes: number
  readonly tokens: AccessTokens
  readonly metricsTokens: readonly string[]
  readonly origin: Origin
  readonly at: Date
}

/** What can be refused without the database, by the precedence in docs/contract/api.md: 413, 415, malformed 400, 401. */
export async function admit(route: Route, request: Request, options: AdmitOptions): Promise<Admitted | Refused> {
  const reading = readBody(request, options.maxBodyBytes)
  const read = reading instanceof Promise ? await reading : reading
  if (!read.ok) return read
  const types = route.isBodyDocument === true ? mergePatchTypes : jsonTypes
  if ((read.bytes.length > 0 || !route.body.isOptional) && isOfOtherType(types, request.headers, read.bytes)) {
    return refuseType(types)
  }
  const body = scan(read.bytes, route)
  if (!('kind' in body)) return body
  const { pathname, query } = readUrl(request.url)
  const admitted = await admitCaller(route.access, request.headers, query, options)
  if (!admitted.ok) return admitted
  const { method, headers } = request
  const incoming = { method, pathname, query, headers, bytes: read.bytes, body }
  return { ...admitted, incoming }
}

const jsonTypes = ['application/json']
const mergePatchTypes = ['application/merge-patch+json', 'application/json']

/** Without a body there may be no type either. */
function isOfOtherType(types: readonly string[], headers: Headers, { length }: Uint8Array): boolean {
  return (length > 0 || headers.has('Content-Type')) && !isBodyOf(types, headers)
}

function refuseType(types: readonly string[]): Refused {
  const named = types.map((type) => `\`Content-Type: ${type}\``).join(' or ')
  return refuse('unsupported_media_type', {
    detail: `The request body must be sent as ${named}, in UTF-8 and not compressed.`,
  })
}

function scan(bytes: Uint8Array, route: Pick<Route, 'body' | 'isBodyDocument'>): IncomingBody | Refused {
  if (bytes.length === 0) {
    return route.body.isOptional
      ? { kind: 'absent' }
      : refuse('malformed_json', { detail: 'The request body is empty.' })
  }
  if (route.isBodyDocument === true) return scanWhole(bytes)
  const { documents, secrets, list } = route.body
  const scanned = scanBody(bytes, documents, { secretFields: secrets, ...(list === undefined ? {} : { list }) })
  if (scanned.ok) return { kind: 'object', members: scanned.members }
  if (scanned.problem === 'not_object') return { kind: 'not_object', message: scanned.message }
  return refuse('malformed_json', { detail: scanned.message })
}

function scanWhole(bytes: Uint8Array): IncomingBody | Refused {
  const scanned = scanDocumentBody(bytes)
  return scanned.ok
    ? { kind: 'document', member: scanned.member }
    : refuse('malformed_json', { detail: scanned.message })
}

const anonymous = {
  ok: true,
  caller: { kind: 'anonymous' },
  sessionId: undefined,
  scopes: undefined,
  expiresAt: null,
} as const

async function admitMetrics(metricsTokens: readonly string[], authorization: string | null) {
  if (metricsTokens.length === 0) return refuse('not_found', { detail: 'No METRICS_TOKEN is configured.' })
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? []
  const matches = await Promise.all(metricsTokens.map((one) => isSameSecret(token, one)))
  if (matches.includes(true)) return anonymous
  return refuse('unauthenticated', { detail: 'Send `Authorization: Bearer <METRICS_TOKEN>`.' })
}

function admitCaller(
  access: Access,
  headers: Headers,
  query: URLSearchParams,
  { tokens, metricsTokens, origin, at }: AdmitOptions,
): Authenticated | Refused | Promise<Authenticated | Refused> {
  if (access.kind === 'open' && access.checksToken !== true) return anonymous
  if (access.kind === 'metrics') return admitMetrics(metricsTokens, headers.get('Authorization'))
  const authenticated = authenticate(tokens, headers.get('Authorization'), origin, at)
  return authenticated instanceof Promise
    ? authenticated.then((settled) => admitAuthenticated(access, query, settled))
    : admitAuthenticated(access, query, authenticated)
}

function admitAuthenticated(
  access: Access,
  query: URLSearchParams,
  authenticated: Authenticated | Refused,
): Authenticated | Refused {
  if (!authenticated.ok) return authenticated
  const isAnonymous = authenticated.caller.kind === 'anonymous'
  return isAnonymous && !servesAnonymous(access, query) ? refuse('unauthenticated') : authenticated
}

function servesAnonymous(access: Access, query: URLSearchParams): boolean {
  switch (access.kind) {
    case 'open':
      return true
    case 'admin':
    case 'execution':
    case 'schedule':
    case 'metrics':
      return false
    case 'user':
      return access.isPublic?.(query) ?? false
    case 'workflow':
      return access.need === 'view' && access.isPrivate !== true
  }
}
