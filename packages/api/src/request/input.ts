import type { Origin } from '@millrace/db/access/access'
import type { Member, Members } from '@millrace/db/document'
import type * as z from 'zod'
import type { ErrorCode, FieldError } from '../errors.ts'
import type { BodyContract, Input, RouteContract } from '../route-contract.ts'
import type { IdempotencyKey } from '../services/idempotency.ts'
import { isId } from '../ids.ts'
import { fingerprintOf, readIdempotencyKey, type ReadKey } from './idempotency.ts'
import type { Incoming, IncomingBody } from './incoming.ts'
import { pathParameters } from './path.ts'
import type { IfRevision } from '../services/if-revision.ts'
import { parseEntityTags } from './preconditions.ts'

/** What is wrong with a request that can be read. Which of it is answered depends on what the caller may know. */
export interface Faults {
  /** A path whose parameters can't name anything. */
  readonly isPathUnknown: boolean
  /** `{id}` of the path, where that at least can be one. */
  readonly pathId: string | undefined
  readonly fields: readonly FieldError[]
  readonly code: ErrorCode
  readonly precondition: 'precondition_required' | 'precondition_failed' | undefined
  readonly idempotencyKey: IdempotencyKey | undefined
}

export type ReadInput<Path, Query, Body> =
  | { readonly ok: true; readonly input: Input<Path, Query, Body> }
  | { readonly ok: false; readonly faults: Faults & { readonly path: Path | undefined } }

/** Reads a request by its route's contract: the typed input, or all that is wrong with it. No promise where none is needed. */
export function readInput<Path extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodObject>(
  contract: RouteContract<Path, Query, Body>,
  incoming: Incoming,
  origin: Pick<Origin, 'network'>,
): MaybePromise<ReadInput<z.output<Path>, z.output<Query>, z.output<Body>>> {
  const key = contract.isIdempotent ? readIdempotencyKey(incoming.headers) : noKey
  if (!key.ok || key.key === undefined) return readWithKey(contract, incoming, origin, key, undefined)
  return withFingerprint(key.key, incoming).then((known) => readWithKey(contract, incoming, origin, key, known))
}

type MaybePromise<Value> = Value | Promise<Value>

function readWithKey<Path extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodObject>(
  contract: RouteContract<Path, Query, Body>,
  incoming: Incoming,
  { network }: Pick<Origin, 'network'>,
  key: ReadKey,
  idempotencyKey: IdempotencyKey | undefined,
): ReadInput<z.output<Path>, z.output<Query>, z.output<Body>> {
  const path = readPath(contract, incoming.pathname)
  const query = readQuery(contract, incoming.query)
  const body = checkedBody(contract.body, incoming.body)
  const ifMatch = readIfMatch(contract, incoming.headers)
  if (path !== undefined && query.ok && body.ok && ifMatch.ok && key.ok) {
    const { ifRevision } = ifMatch
    const { headers } = incoming
    const device = { userAgent: headers.get('User-Agent'), network }
    const lastEventId = headers.get('Last-Event-ID')
    const input = { path, query: query.value, body: body.value, device, ifRevision, idempotencyKey, lastEventId }
    return { ok: true, input }
  }
  const fields = [...(key.ok ? [] : [key.error]), ...(query.ok ? [] : query.errors), ...(body.ok ? [] : body.errors)]
  return {
    ok: false,
    faults: {
      path,
      isPathUnknown: path === undefined,
      pathId: idOf(contract, incoming.pathname),
      fields,
      code: body.ok || !body.isAboutDocuments ? 'validation_failed' : 'invalid_json_document',
      precondition: ifMatch.ok ? undefined : ifMatch.code,
      idempotencyKey,
    },
  }
}

const noKey = { ok: true, key: undefined } as const

async function withFingerprint(key: string, { method, pathname, bytes }: Incoming): Promise<IdempotencyKey> {
  return { key, fingerprint: await fingerprintOf(method, pathname, bytes) }
}

function readPath<Path extends z.ZodObject>(
  contract: RouteContract<Path>,
  pathname: string,
): z.output<Path> | undefined {
  const values = pathParameters(contract.path, pathname)
  // No name holds U+0000, and not every database can be asked for one that does.
  const canName = values !== undefined && !Object.values(values).some((value) => value.includes('\0'))
  return canName ? contract.pathParameters.safeParse(values).data : undefined
}

/** `{id}` of a path, where it can be one. */
export function idOf({ path }: Pick<RouteContract, 'path'>, pathname: string): string | undefined {
  const id = pathParameters(path, pathname)?.['id']
  return id !== undefined && isId(id) ? id : undefined
}

function readIfMatch(
  { isConditional, mayBeConditional }: RouteContract,
  headers: Headers,
):
  | { readonly ok: true; readonly ifRevision: IfRevision }
  | { readonly ok: false; readonly code: 'precondition_required' | 'precondition_failed' } {
  if (!isConditional && mayBeConditional !== true) return unconditional
  const header = headers.get('If-Match')
  if (!isConditional) {
    // A malformed one matches nothing; what else there is to refuse ranks before that.
    return header === null ? unconditional : { ok: true, ifRevision: parseEntityTags(header) ?? [] }
  }
  if (header === null) return { ok: false, code: 'precondition_required' }
  const ifRevision = parseEntityTags(header)
  return ifRevision === undefined ? { ok: false, code: 'precondition_failed' } : { ok: true, ifRevision }
}

const unconditional = { ok: true, ifRevision: 'any' } as const

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly FieldError[] }

function readQuery<Query extends z.ZodObject>(
  { query: schema, repeatableQuery }: RouteContract<z.ZodObject, Query>,
  query: URLSearchParams,
): Read<z.output<Query>> {
  if (query.size === 0) {
    const defaults = ofNothing(schema)
    if (defaults.success) return { ok: true, value: defaults.data }
  }
  const known = Object.keys(schema.shape)
  const values: Record<string, string | readonly string[]> = {}
  const errors: FieldError[] = []
  for (const parameter of new Set(query.keys())) {
    const given = query.getAll(parameter)
    const [value = '', ...more] = given
    if (!known.includes(parameter)) errors.push({ parameter, message: `unknown parameter; ${listing(known)}` })
    else if (repeatableQuery?.has(parameter) === true) values[parameter] = given
    else if (more.length > 0) errors.push({ parameter, message: 'may be given once only' })
    else if (value.includes('\0')) errors.push({ parameter, message: 'must not hold U+0000' })
    else values[parameter] = value
  }
  const parsed = schema.safeParse(values, { error: missingIsRequired })
  if (parsed.success && errors.length === 0) return { ok: true, value: parsed.data }
  const refused = new Set(errors.map((error) => ('parameter' in error ? error.parameter : '')))
  for (const issue of parsed.error?.issues ?? []) {
    const parameter = String(issue.path[0] ?? '')
    if (!refused.has(parameter)) errors.push({ parameter, message: issue.message })
  }
  return { ok: false, errors }
}

function listing(known: readonly string[]): string {
  return known.length === 0 ? 'this route takes none' : `this route takes ${known.join(', ')}`
}

const unknownField = 'unknown field'

type CheckedBody<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly FieldError[]; readonly isAboutDocuments: boolean }

function checkedBody<Body extends z.ZodObject>(
  contract: BodyContract<Body>,
  body: IncomingBody,
): CheckedBody<z.output<Body>> {
  switch (body.kind) {
    case 'not_object':
      return { ok: false, errors: [{ pointer: '', message: body.message }], isAboutDocuments: false }
    case 'absent':
      return readNothing(contract)
    case 'object':
      return readMembers(contract, body.members)
    case 'document':
      return readDocument(contract, body.member)
  }
}

/** The body is the schema's one document, so its pointers begin where that would stand. */
function readDocument<Body extends z.ZodObject>(
  contract: BodyContract<Body>,
  member: Member,
): CheckedBody<z.output<Body>> {
  const [name = ''] = contract.documents
  if (member.problems.length > 0) return { ok: false, errors: member.problems, isAboutDocuments: true }
  const parsed = contract.schema.safeParse({ [name]: member.value() })
  if (parsed.success) return { ok: true, value: parsed.data }
  const errors = parsed.error.issues.map(({ path, message }) => ({ pointer: pointerTo(path.slice(1)), message }))
  return { ok: false, errors, isAboutDocuments: false }
}

function readNothing<Body extends z.ZodObject>(contract: BodyContract<Body>): CheckedBody<z.output<Body>> {
  const parsed = ofNothing(contract.schema)
  return parsed.success ? { ok: true, value: parsed.data } : readMembers(contract, new Map())
}

function readMembers<Body extends z.ZodObject>(
  contract: BodyContract<Body>,
  members: Members,
): CheckedBody<z.output<Body>> {
  const known = Object.keys(contract.schema.shape)
  const values: Record<string, unknown> = {}
  const errors: FieldError[] = []
  let isAboutDocuments = false
  for (const [name, member] of members) {
    if (!known.includes(name)) errors.push({ pointer: pointerTo([name]), message: unknownField })
    else if (member.problems.length === 0) values[name] = member.value()
    else {
      errors.push(...member.problems)
      isAboutDocuments ||= member.isAboutDocument
    }
  }
  const parsed = contract.schema.safeParse(values, { error: missingIsRequired })
  if (parsed.success && errors.length === 0) return { ok: true, value: parsed.data }
  for (const issue of parsed.error?.issues ?? []) {
    const isScanned = (members.get(String(issue.path[0]))?.problems.length ?? 0) > 0
    if (!isScanned) errors.push(...errorsOf(issue))
  }
  return { ok: false, errors, isAboutDocuments }
}

/** What schemas make of an object without members: a request that gives none is not parsed again. */
const parsedOfNothing = new WeakMap<z.ZodObject, unknown>()

function ofNothing<Schema extends z.ZodObject>(schema: Schema): z.ZodSafeParseResult<z.output<Schema>> {
  const known = parsedOfNothing.get(schema)
  // Each schema's entry is its own result.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  if (known !== undefined) return known as z.ZodSafeParseResult<z.output<Schema>>
  const parsed = schema.safeParse({})
  parsedOfNothing.set(schema, parsed)
  return parsed
}

function errorsOf(issue: z.core.$ZodIssue): readonly FieldError[] {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerTo(issue.path), message: issue.message }]
  return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), message: unknownField }))
}

function missingIsRequired(issue: { readonly input?: unknown }): string | undefined {
  return issue.input === undefined ? 'is required' : undefined
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
