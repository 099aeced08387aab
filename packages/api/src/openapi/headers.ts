import type { Route } from '../route.ts'
import type { JsonSchema } from './schemas.ts'

const string = { type: 'string' }

/** Headers of answers, as the document's components. */
export const headerComponents: Readonly<Record<string, JsonSchema>> = {
  'X-Request-Id': always("The caller's, or a new one; the log has it too.", string),
  'Server-Timing': always('What the database took, in how many round trips, and the function.', string),
  'X-Content-Type-Options': always('No guessing at what it is.', { type: 'string', const: 'nosniff' }),
  Vary: always('Whose answer it is depends on Authorization.', string),
  'Cache-Control': always('`no-store`; `no-cache` for what anonymous callers read.', string),
  ETag: always('The revision, for If-Match and If-None-Match.', string),
  Location: always('The path of what was made.', string),
  'Idempotency-Replayed': {
    description: 'Present on an answer that is given again for its Idempotency-Key.',
    schema: { type: 'string', const: 'true' },
  },
  'Content-Disposition': always('A name for the file.', string),
  'Content-Length': always('Bytes of the archive.', { type: 'integer' }),
  'Repr-Digest': {
    description: "The archive's SHA-256 (RFC 9530); absent of one that was only found in the bucket.",
    schema: string,
  },
  'WWW-Authenticate': always('RFC 6750.', string),
  'Retry-After': { description: 'Seconds after which it is worth asking again.', schema: { type: 'integer' } },
  'Content-Security-Policy': always('What the page may load.', string),
}

/** A header that no answer lacks where the document has it. */
function always(description: string, schema: JsonSchema): JsonSchema {
  return { description, required: true, schema }
}

/** What every answer of a path has with that status. */
export function commonHeaders(path: string, status: number): readonly string[] {
  const common = ['X-Request-Id', 'Server-Timing', 'X-Content-Type-Options']
  if (path.startsWith('/v1/')) return [...common, 'Vary', 'Cache-Control']
  return status < 400 ? [...common, 'Cache-Control'] : common
}

/** Names of components, each under its header's name. */
export function headersOf(names: readonly string[]): Record<string, JsonSchema> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

/** What a success has beside what every answer has. */
export function answerHeaders(route: Route): readonly string[] {
  return [
    ...(route.answerHeaders ?? []),
    ...(hasRevision(route) ? ['ETag'] : []),
    ...(route.isIdempotent ? ['Idempotency-Replayed'] : []),
  ]
}

/** Whether it answers one thing that has a revision. */
function hasRevision({ answers }: Pick<Route, 'answers'>): boolean {
  return Object.values(answers).some(
    (schema) => schema !== null && 'shape' in schema && isObject(schema.shape) && 'revision' in schema.shape,
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Headers that a request may or must have. Content-Type and Authorization stand elsewhere in OpenAPI. */
export function requestHeaders(route: Route, example: Readonly<Record<string, string>>) {
  const isRead = route.method === 'GET' && answerHeaders(route).includes('ETag')
  return [
    ...(route.isConditional ? [ifMatch(true)] : []),
    ...(route.mayBeConditional === true ? [ifMatch(false)] : []),
    ...(isRead ? [header('If-None-Match', 'ETags that the caller has: 304 when one is current.', false)] : []),
    ...(route.isIdempotent
      ? [
          {
            ...header('Idempotency-Key', 'The same request under the same key within 24 hours is done once.', false),
            schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]+$' },
          },
        ]
      : []),
    { ...header('X-Request-Id', 'Names the request in the answer and in the log.', false), schema: requestId },
  ].map((parameter) => {
    const given = example[parameter.name]
    return given === undefined ? parameter : { ...parameter, example: given }
  })
}

const requestId = { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' }

function ifMatch(isRequired: boolean) {
  return header('If-Match', 'The ETag of what is to be changed, a list of them, or `*` to force.', isRequired)
}

function header(name: string, description: string, isRequired: boolean) {
  return { name, in: 'header', description, ...(isRequired ? { required: true } : {}), schema: string }
}
