import fc from 'fast-check'
import { asRecord } from '../contract/answers.ts'
import type { Operation, Parameter, Schema } from './document.ts'

/** What fast-check draws for a request, before the things that it names are put in. */
export interface Drawn {
  readonly path: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | readonly string[]>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  /** Chooses among things and callers. */
  readonly pick: number
  readonly fault: Fault | undefined
}

/** One thing that is made wrong with a request. */
export type Fault =
  | { readonly kind: 'caller'; readonly caller: WrongCaller }
  | { readonly kind: 'path'; readonly index: number; readonly value: string }
  | { readonly kind: 'query'; readonly name: string; readonly value: string }
  | { readonly kind: 'header'; readonly name: string; readonly value: string | undefined }
  | { readonly kind: 'body'; readonly text: string; readonly type: string }
  | { readonly kind: 'member'; readonly index: number; readonly value: unknown }

const wrongCallers = [
  'nobody',
  'impostor',
  'stranger',
  'disabled',
  'read',
  'write',
  'worker',
  'secrets',
  'admin',
] as const
/** Users, or an API key of that scope. */
export type WrongCaller = (typeof wrongCallers)[number]

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const anyText = fc.oneof(
  text,
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '.', '..', ' ', '*', '1', '-1', '\0', 'x ', 'x'.repeat(300)),
)
/** `.` and `..` never arrive: a client takes them out of the URL. */
const pathText = anyText.filter((value) => value !== '.' && value !== '..')
const headerText = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('', '*', '"1"', 'W/"1"', '"', 'x'.repeat(300)),
)
const moment = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())
const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' })

/** A request that the document lets expect a success. */
export function likely(operation: Operation): fc.Arbitrary<Drawn> {
  return drawn(operation, fc.constant(undefined))
}

/** The same with something wrong. */
export function wrong(operation: Operation): fc.Arbitrary<Drawn> {
  return drawn(operation, faultIn(operation))
}

function drawn(operation: Operation, fault: fc.Arbitrary<Fault | undefined>): fc.Arbitrary<Drawn> {
  const { parameters, body } = operation
  return fc.record({
    path: parametersIn('path', parameters).map(texts),
    query: parametersIn('query', parameters).map(queryTexts),
    headers: parametersIn('header', parameters).map(texts),
    body: body === undefined ? fc.constant(undefined) : valueOf(body),
    pick: fc.nat(),
    fault,
  })
}

function faultIn({ parameters, body, method }: Operation): fc.Arbitrary<Fault> {
  const queries = parameters.filter(({ place }) => place === 'query').map(({ name }) => name)
  const headers = parameters.filter(({ place }) => place === 'header').map(({ name }) => name)
  const faults: fc.Arbitrary<Fault>[] = [
    fc.record({ kind: fc.constant('caller' as const), caller: fc.constantFrom(...wrongCallers) }),
    fc.record({
      kind: fc.constant('query' as const),
      name: fc.oneof(fc.constantFrom(...queries, 'nothing'), text),
      value: anyText,
    }),
    fc.record({
      kind: fc.constant('header' as const),
      name: fc.constantFrom(...headers, 'Content-Type', 'Authorization', 'If-None-Match'),
      value: fc.option(headerText, { nil: undefined }),
    }),
  ]
  if (parameters.some(({ place }) => place === 'path')) {
    faults.push(fc.record({ kind: fc.constant('path' as const), index: fc.nat(), value: pathText }))
  }
  if (method !== 'GET') {
    faults.push(
      fc.record({
        kind: fc.constant('body' as const),
        text: fc.oneof(
          json.map((value) => JSON.stringify(value)),
          anyText,
          fc.constantFrom('{"a":1,"a":2}', '{"__proto__":1}', '{', '\ufeff{}'),
        ),
        type: fc.constantFrom('application/json', 'application/json', 'application/json', 'text/plain', ''),
      }),
    )
  }
  if (body !== undefined) {
    faults.push(
      fc.record({
        kind: fc.constant('member' as const),
        index: fc.nat(),
        value: fc.oneof(json, fc.constant(undefined), anyText),
      }),
    )
  }
  return fc.oneof(...faults)
}

function parametersIn(place: Parameter['place'], parameters: readonly Parameter[]) {
  const own = parameters.filter((parameter) => parameter.place === place)
  const required = own.filter(({ isRequired }) => isRequired).map(({ name }) => name)
  return fc.record(Object.fromEntries(own.map(({ name, schema }) => [name, valueOf(schema)])), {
    requiredKeys: required,
  })
}

/** Values of a schema, of the kinds that the document uses. */
function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  const { enum: listed, anyOf, type } = schema
  if (Array.isArray(listed)) return fc.constantFrom(...listed.map((value: unknown) => value))
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((option) => valueOf(asRecord(option))))
  switch (type) {
    case 'string':
      return stringOf(schema)
    case 'integer':
      return fc.integer({
        min: numberOf(schema['minimum'], 0),
        max: Math.min(numberOf(schema['maximum'], 100), 1_000_000),
      })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valueOf(asRecord(schema['items'])), {
        minLength: numberOf(schema['minItems'], 0),
        maxLength: Math.min(numberOf(schema['maxItems'], 3), 3),
      })
    case 'object':
      return objectOf(schema)
    default:
      return json
  }
}

function objectOf({ properties, required }: Schema): fc.Arbitrary<unknown> {
  if (properties === undefined) return fc.dictionary(text, json, { maxKeys: 3, noNullPrototype: true })
  const members = Object.entries(asRecord(properties)).map(([name, member]) => [name, valueOf(asRecord(member))])
  return fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys: Array.isArray(required) ? required.map(String) : [],
  })
}

function stringOf({ format, pattern, minLength, maxLength }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') return moment
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern), { maxLength: 40 })
  const min = numberOf(minLength, 0)
  return fc.string({
    unit: 'grapheme',
    minLength: min,
    maxLength: Math.max(min, Math.min(12, numberOf(maxLength, 12))),
  })
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

function texts(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
}

function queryTexts(values: Readonly<Record<string, unknown>>): Drawn['query'] {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)]),
  )
}
