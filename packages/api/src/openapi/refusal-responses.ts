import { errorCodes, errorKind, type ErrorCode, type ErrorStatus } from '../errors.ts'
import type { Route } from '../route.ts'
import { commonHeaders, headersOf } from './headers.ts'
import { described, type JsonSchema } from './schemas.ts'

const problemHeaders: Readonly<Partial<Record<ErrorStatus, readonly string[]>>> = {
  401: ['WWW-Authenticate'],
  409: ['Retry-After'],
  429: ['Retry-After'],
  503: ['Retry-After'],
}

/** Writes each refusal once, among the document's components: many routes refuse alike. */
export class RefusalWriter {
  readonly components: Record<string, JsonSchema> = {}
  readonly #names = new Map<string, string>()

  /** A reference to the response with that status and those codes. */
  refer({ path }: Pick<Route, 'path'>, status: ErrorStatus, codes: readonly ErrorCode[]): JsonSchema {
    const headers = [...commonHeaders(path, status), ...(problemHeaders[status] ?? [])]
    const identity = [...codes, ...headers].join(' ')
    const name = this.#names.get(identity) ?? this.#nameFor(codes, status)
    this.#names.set(identity, name)
    this.components[name] ??= refusalResponse(status, codes, headers)
    return { $ref: `#/components/responses/${name}` }
  }

  #nameFor(codes: readonly ErrorCode[], status: ErrorStatus): string {
    const plain = codes.length <= 3 ? codes.map(pascalCase).join('Or') : `Refused${status}`
    let name = plain
    for (let number = 2; name in this.components; number += 1) name = `${plain}${number}`
    return name
  }
}

/** `not_found` → `NotFound`. */
function pascalCase(code: string): string {
  return code.replace(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase())
}

function refusalResponse(status: ErrorStatus, codes: readonly ErrorCode[], headers: readonly string[]): JsonSchema {
  const schema = {
    allOf: [{ $ref: '#/components/schemas/Problem' }, { type: 'object', properties: { code: { enum: codes } } }],
  }
  const examples = Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code, status) }]))
  return {
    description: codes.map((code) => `\`${code}\`: ${errorKind(code).detail}`).join('\n\n'),
    headers: headersOf(headers),
    content: { 'application/problem+json': { schema, examples } },
  }
}

function exampleOf(code: ErrorCode, status: ErrorStatus) {
  const { title, detail } = errorKind(code)
  const errors = { pointer: '/name', message: 'must have 1 to 255 characters' }
  return {
    type: `urn:millrace:problem:${code}`,
    title,
    status,
    code,
    detail,
    requestId: '01a20dd3-5c00-7000-8000-0000000000ff',
    ...(code === 'validation_failed' ? { errors: [errors] } : {}),
  }
}

/** RFC 9457. */
export const problemSchema: JsonSchema = described(
  {
    type: 'object',
    required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
    properties: {
      type: { type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { type: 'integer', minimum: 400, maximum: 599 },
      code: { type: 'string', enum: errorCodes },
      detail: { type: 'string' },
      requestId: { type: 'string' },
      errors: {
        type: 'array',
        items: {
          type: 'object',
          required: ['message'],
          properties: { pointer: { type: 'string' }, parameter: { type: 'string' }, message: { type: 'string' } },
        },
      },
    },
  },
  'Problem',
)
