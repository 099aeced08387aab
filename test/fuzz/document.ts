import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { asRecord, type Answer } from '../contract/answers.ts'

/** A JSON Schema, as the document holds it. */
export type Schema = Readonly<Record<string, unknown>>

export interface Parameter {
  readonly place: 'path' | 'query' | 'header'
  readonly name: string
  readonly isRequired: boolean
  readonly schema: Schema
}

/** An operation, read from nothing but the OpenAPI document. */
export interface Operation {
  /** Method and path: `GET /v1/workflows/{id}`. */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly body: Schema | undefined
  /** Scopes of which an API key needs one; empty where none serves. */
  readonly keyScopes: readonly string[]
  readonly security: 'open' | 'user' | 'metrics'
}

export interface ApiDocument {
  readonly operations: readonly Operation[]
  /** What of an answer the document does not say, or says otherwise. */
  faultsOf(name: string, answer: Answer): readonly string[]
}

/** Headers that may stand only where the document has them. */
const telling = [
  'Allow',
  'Content-Security-Policy',
  'ETag',
  'Idempotency-Replayed',
  'Location',
  'Retry-After',
  'WWW-Authenticate',
] as const

export function readDocument(document: unknown): ApiDocument {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats(ajv)
  ajv.addFormat('password', true)
  const root = asRecord(document)
  ajv.addSchema(root, 'document')
  const validators = new Map<string, ValidateFunction>()
  const validatorAt = (pointer: readonly string[]): ValidateFunction => {
    const reference = `document#/${pointer.map(escaped).join('/')}`
    const made = validators.get(reference) ?? ajv.compile({ $ref: reference })
    validators.set(reference, made)
    return made
  }
  return {
    operations: operationsOf(root),
    faultsOf(name, answer) {
      const [method = '', path = ''] = name.split(' ')
      const pointer = followed(root, ['paths', path, method.toLowerCase(), 'responses', String(answer.status)])
      const response = at(root, pointer)
      if (answer.status >= 500) return [`it is ${answer.status}`]
      if (response === undefined) return [`the document has no ${answer.status}`]
      return [
        ...headerFaults(root, asRecord(asRecord(response)['headers'] ?? {}), answer.headers),
        ...contentFaults(asRecord(response), answer, (type) => validatorAt([...pointer, 'content', type, 'schema'])),
      ]
    },
  }
}

/** Where a thing stands that may be a reference to one of the components. */
function followed(root: Schema, pointer: readonly string[]): readonly string[] {
  const found = at(root, pointer)
  const { $ref } = asRecord(found ?? {})
  return typeof $ref === 'string' ? $ref.replace('#/', '').split('/') : pointer
}

function headerFaults(root: Schema, documented: Schema, headers: Headers): readonly string[] {
  const missing = Object.entries(documented).filter(([name, header]) => {
    const { required } = resolved(root, asRecord(header))
    return required === true && !headers.has(name)
  })
  const besides = telling.filter((name) => headers.has(name) && documented[name] === undefined)
  return [
    ...missing.map(([name]) => `the document promises ${name}`),
    ...besides.map((name) => `the document does not say ${name}`),
  ]
}

function contentFaults(response: Schema, answer: Answer, validatorOf: (type: string) => ValidateFunction) {
  const { content } = response
  if (content === undefined) return answer.text === '' ? [] : ['the document has no body']
  const [type = ''] = (answer.headers.get('Content-Type') ?? '').split(';')
  const known = Object.keys(asRecord(content))
  const documented = known.find((name) => name === type.trim()) ?? known.find((name) => name === '*/*')
  if (documented === undefined) return [`the document has no content of type ${type}`]
  if (answer.json === undefined) return []
  const validate = validatorOf(documented)
  if (validate(answer.json)) return []
  return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`)
}

function operationsOf(root: Schema): readonly Operation[] {
  return Object.entries(asRecord(root['paths'])).flatMap(([path, methods]) =>
    Object.entries(asRecord(methods)).map(([method, operation]) =>
      operationOf(root, method.toUpperCase(), path, asRecord(operation)),
    ),
  )
}

function operationOf(root: Schema, method: string, path: string, operation: Schema): Operation {
  const requirements = listOf(operation['security'])
  const keyScopes = requirements.flatMap(({ apiKey }) => (Array.isArray(apiKey) ? apiKey.map(String) : []))
  const [media] = Object.values(asRecord(asRecord(operation['requestBody'] ?? {})['content'] ?? {}))
  return {
    name: `${method} ${path}`,
    method,
    path,
    parameters: listOf(operation['parameters']).map(parameterOf),
    body: media === undefined ? undefined : resolved(root, asRecord(asRecord(media)['schema'])),
    keyScopes,
    security: requirements.some((one) => 'metricsToken' in one)
      ? 'metrics'
      : requirements.length === 0
        ? 'open'
        : 'user',
  }
}

function parameterOf({ in: place, name, required, schema }: Schema): Parameter {
  if (place !== 'path' && place !== 'query' && place !== 'header') throw new Error(`no place: ${String(place)}`)
  return { place, name: String(name), isRequired: required === true, schema: asRecord(schema) }
}

function listOf(value: unknown): readonly Schema[] {
  return Array.isArray(value) ? value.map(asRecord) : []
}

function resolved(root: Schema, schema: Schema): Schema {
  const { $ref } = schema
  if (typeof $ref !== 'string') return schema
  return asRecord(at(root, $ref.slice(2).split('/')))
}

function at(root: unknown, pointer: readonly string[]): unknown {
  let value: unknown = root
  for (const name of pointer) value = typeof value === 'object' && value !== null ? asRecord(value)[name] : undefined
  return value
}

/** RFC 6901 within a URI's fragment. */
function escaped(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}
