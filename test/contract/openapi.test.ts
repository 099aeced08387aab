import { routes } from '@millrace/api/app'
import { errorCodes, errorKind } from '@millrace/api/errors'
import { openApiDocument } from '@millrace/api/openapi/document'
import { examples } from '@millrace/api/openapi/examples'
import { recordedResponses } from '@millrace/api/openapi/recorded-responses'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { describeDialectsEverywhere } from '../dialects.ts'
import { asRecord, expectConventions, readAnswer } from './answers.ts'
import { prepareExample, sendPrepared } from './examples.ts'
import { recordExample } from './recorded-examples.ts'
import { useWorld } from './scenarios.ts'

const document = openApiDocument(routes)
const names = routes.map(({ method, path }) => `${method} ${path}`)

/** Of JSON, but shown by no recorded answer. */
const unrecorded: ReadonlySet<string> = new Set(['GET /openapi.json'])

/** Headers that stand on some answers and not on others. */
const telling = ['ETag', 'Location', 'Content-Security-Policy'] as const

describe('the document', () => {
  test('passes a public validator', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document))
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
  })

  test('has each route of the app, and no other', () => {
    expect(
      operations()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(names.toSorted())
  })

  test('names each operation once', () => {
    const ids = operations().map(({ operation }) => operation['operationId'])
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('has an example for each route, and none besides', () => {
    expect(Object.keys(examples).toSorted()).toEqual(names.toSorted())
  })

  test.each(names)('says of %s what it takes and how it refuses', (name) => {
    const route = routes[names.indexOf(name)]
    const operation = operations().find((candidate) => candidate.name === name)?.operation ?? {}
    const parameters = listOf(operation['parameters']).map(
      ({ in: place, name: parameter }) => `${String(place)} ${String(parameter)}`,
    )
    expect(parameters.filter((parameter) => parameter.startsWith('path '))).toEqual(
      [...(route?.path.matchAll(/\{(\w+)\}/g) ?? [])].map(([, parameter]) => `path ${parameter}`),
    )
    expect(parameters.includes('header Idempotency-Key')).toBe(route?.isIdempotent)
    if (route?.isConditional === true) expect(parameters).toContain('header If-Match')
    expect(operation['requestBody'] === undefined).toBe(route?.body.kind === 'none')
    const isOpen = listOf(operation['security']).length === 0
    expect(isOpen).toBe(route?.access.kind === 'open' && route.path !== '/metrics')
    for (const [status, codes] of codesOf(operation)) {
      expect(codes.length).toBeGreaterThan(0)
      for (const code of codes) expect(`${code} ${errorKind(code).status}`).toBe(`${code} ${status}`)
    }
  })

  test('has every code but those of no route', () => {
    const documented = new Set(
      operations().flatMap(({ operation }) => codesOf(operation).flatMap(([, codes]) => codes)),
    )
    // 405 is a path's, not an operation's.
    expect(errorCodes.filter((code) => !documented.has(code))).toEqual(['method_not_allowed'])
  })

  test('describes every property', () => {
    const undescribed = new Set<string>()
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      const { properties } = asRecord(value)
      if (typeof properties === 'object' && properties !== null && !isRefusalCode(value)) {
        for (const [name, property] of Object.entries(properties)) {
          const { description, $ref } = asRecord(property)
          if (description === undefined && $ref === undefined) undescribed.add(name)
        }
      }
      for (const member of Object.values(value)) walk(member)
    }
    walk(asRecord(document['components'])['schemas'])
    walk(document['paths'])
    expect([...undescribed]).toEqual([])
  })

  test('writes each refusal once, with an example for each of its codes', () => {
    const { responses } = asRecord(document['components'])
    const written = Object.values(asRecord(responses)).map((response) => JSON.stringify(response))
    expect(new Set(written).size).toBe(written.length)
    for (const response of Object.values(asRecord(responses))) {
      const { examples: shown } = asRecord(asRecord(asRecord(response)['content'])['application/problem+json'])
      for (const [code, example] of Object.entries(asRecord(shown))) {
        expect(asRecord(asRecord(example)['value'])).toMatchObject({ code, status: errorKind(code as never).status })
      }
    }
  })

  test('shows a recorded answer for each success with a body', () => {
    const missing = operations().filter(({ operation }) => {
      const successes = Object.entries(asRecord(operation['responses'])).filter(([status]) => status.startsWith('2'))
      return successes.some(([, response]) => {
        const json = asRecord(asRecord(response)['content'] ?? {})['application/json']
        return json !== undefined && asRecord(json)['example'] === undefined
      })
    })
    expect(missing.map(({ name }) => name)).toEqual(['GET /openapi.json'])
  })

  test('groups the operations in the order in which a reader needs them', () => {
    const tags = listOf(document['tags']).map(({ name }) => name)
    expect(tags.slice(0, 4)).toEqual(['auth', 'workflows', 'versions', 'shares'])
    expect(tags.at(-1)).toBe('operations')
  })

  test('keeps schemas of requests closed and those of answers open', () => {
    const { components } = document
    const { schemas } = asRecord(components)
    for (const schema of Object.values(asRecord(schemas)))
      expect(asRecord(schema)['additionalProperties']).toBeUndefined()
    const { operation } = operations().find(({ name }) => name === 'POST /v1/workflows') ?? { operation: asRecord({}) }
    expect(JSON.stringify(operation['requestBody'])).toContain('"additionalProperties":false')
  })
})

describeDialectsEverywhere((dialect) => {
  const suite = useWorld(dialect)

  test.each(names)('the example of %s is answered as it says', async (name) => {
    const { world } = suite
    const prepared = await prepareExample(world, name)
    const answer = await readAnswer(await sendPrepared(world, prepared))
    expect({ status: answer.status, text: answer.text }).toEqual({ status: prepared.status, text: answer.text })
    const { method, path } = prepared
    const route = routes[names.indexOf(name)]
    expectConventions(answer, { method, path, isAnonymous: route?.access.kind === 'open' })
    const schema = route?.answers[answer.status as keyof typeof route.answers]
    if (answer.json !== undefined) expect(schema?.safeParse(answer.json).error?.issues ?? []).toEqual([])
    if (dialect === 'sqlite') recordExample(name, answer.json)
    else if (answer.json !== undefined && !unrecorded.has(name)) {
      expect(schema?.safeParse(recordedResponses[name]).error?.issues ?? []).toEqual([])
    }
    const documented = Object.keys(asRecord(responseOf(name, answer.status)['headers']))
    for (const header of telling)
      expect([header, answer.headers.has(header)]).toEqual([header, documented.includes(header)])
  })

  test('the service gives the very document', async () => {
    const answer = await readAnswer(await suite.world.send('nobody', 'GET', '/openapi.json'))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Content-Type')).toMatch(/^application\/json/)
    expect(answer.json).toEqual(JSON.parse(JSON.stringify(document)))
  })

  test('a document that the caller has is 304', async () => {
    const { world } = suite
    const first = await readAnswer(await world.send('nobody', 'GET', '/openapi.json'))
    const tag = first.headers.get('ETag') ?? ''
    expect(tag).not.toBe('')
    const again = await world.send('nobody', 'GET', '/openapi.json', { headers: { 'If-None-Match': tag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const other = await world.send('nobody', 'GET', '/openapi.json', { headers: { 'If-None-Match': '"1"' } })
    expect(other.status).toBe(200)
    await other.body?.cancel()
  })
})

/** A refusal narrows the problem's code, which is described where the problem is. */
function isRefusalCode(schema: object): boolean {
  return JSON.stringify(schema).startsWith('{"type":"object","properties":{"code":{"enum"')
}

interface Operation {
  readonly name: string
  readonly operation: Readonly<Record<string, unknown>>
}

function operations(): readonly Operation[] {
  return Object.entries(asRecord(document['paths'])).flatMap(([path, methods]) =>
    Object.entries(asRecord(methods)).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation: asRecord(operation),
    })),
  )
}

function responseOf(name: string, status: number): Readonly<Record<string, unknown>> {
  const { operation } = operations().find((candidate) => candidate.name === name) ?? { operation: asRecord({}) }
  return asRecord(asRecord(operation['responses'])[String(status)])
}

/** The codes of each refusal's status. */
function codesOf(operation: Readonly<Record<string, unknown>>) {
  return Object.entries(asRecord(operation['responses']))
    .filter(([status]) => Number(status) >= 400)
    .map(([status, response]) => [Number(status), enumIn(response)] as const)
}

function enumIn(response: unknown) {
  const { $ref } = asRecord(response)
  const { responses } = asRecord(document['components'])
  const { content } = asRecord(asRecord(responses)[String($ref).replace('#/components/responses/', '')])
  const { schema } = asRecord(asRecord(content)['application/problem+json'])
  const [, narrowed] = listOf(asRecord(schema)['allOf'])
  const { code } = asRecord(narrowed?.['properties'])
  const { enum: listed } = asRecord(code)
  return errorCodes.filter((known) => Array.isArray(listed) && listed.includes(known))
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(asRecord) : []
}
