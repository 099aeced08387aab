import type * as z from 'zod'
import type { Route } from '../route.ts'
import { allows, scopes } from '../scopes.ts'
import { version } from '../version.ts'
import { examples, type RouteExample } from './examples.ts'
import { answerHeaders, commonHeaders, headerComponents, headersOf, requestHeaders } from './headers.ts'
import { introduction } from './introduction.ts'
import { recordedResponses } from './recorded-responses.ts'
import { operationIdOf, tagOf, tagsOf } from './operations.ts'
import { problemSchema, RefusalWriter } from './refusal-responses.ts'
import { refusalsOf } from './refusals.ts'
import { SchemaWriter, type JsonSchema } from './schemas.ts'

/** An OpenAPI 3.1 document; plain data. */
export type OpenApiDocument = Readonly<Record<string, unknown>>

const successTexts: Readonly<Record<string, string>> = {
  200: 'OK.',
  201: 'Created.',
  202: 'Accepted.',
  204: 'Done. There is no body.',
}

/** Writes the document from the routes' contracts, the schemas that validate their requests among them. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const schemas = new SchemaWriter()
  const refusals = new RefusalWriter()
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = (paths[route.path] ??= {})
    path[route.method.toLowerCase()] = operationOf(route, schemas, refusals)
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Millrace',
      version,
      summary: "Stores a workflow engine's users, workflows, versions, shares, executions and settings.",
      description: introduction,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: tagsOf(routes),
    paths,
    components: {
      schemas: { ...schemas.components, Problem: problemSchema },
      responses: refusals.components,
      headers: headerComponents,
      securitySchemes: {
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The access token from `/v1/auth/login`.',
        },
        apiKey: { type: 'http', scheme: 'bearer', description: `An API key (\`mr_…\`); scopes: ${scopes.join(', ')}.` },
        metricsToken: { type: 'http', scheme: 'bearer', description: 'The METRICS_TOKEN of the service.' },
      },
    },
  }
}

function operationOf(route: Route, schemas: SchemaWriter, refusals: RefusalWriter) {
  const example = examples[`${route.method} ${route.path}`]
  const body = bodyOf(route, schemas, example)
  return {
    operationId: operationIdOf(route),
    summary: route.summary,
    tags: [tagOf(route)],
    ...(descriptionOf(route) === undefined ? {} : { description: descriptionOf(route) }),
    security: securityOf(route),
    parameters: parametersOf(route, schemas, example),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responsesOf(route, schemas, refusals),
  }
}

function descriptionOf({ access, scope, mayLag }: Route): string | undefined {
  const sentences = [
    access.kind === 'workflow' ? `Needs \`${access.need}\` on the workflow.` : undefined,
    access.kind === 'execution' || access.kind === 'schedule'
      ? `Needs \`${access.need}\` on the ${access.kind}'s workflow.`
      : undefined,
    access.kind === 'admin' ? 'For administrators.' : undefined,
    scope === 'account' ? 'Not with an API key.' : undefined,
    mayLag === true
      ? 'Read from the replica, where there is one; `Cache-Control: no-cache` reads the primary.'
      : undefined,
  ].filter((sentence) => sentence !== undefined)
  return sentences.length === 0 ? undefined : sentences.join(' ')
}

/** An empty requirement: without any token too. */
function securityOf({ access, scope }: Route): readonly JsonSchema[] {
  if (access.kind === 'metrics') return [{ metricsToken: [] }]
  if (access.kind === 'open') return []
  const serving = scope === undefined ? [] : scopes.filter((held) => allows(new Set([held]), scope))
  const isForAnyone = access.kind === 'workflow' && access.need === 'view'
  const isForAnyoneAtTimes = access.kind === 'user' && access.isPublic !== undefined
  return [
    { accessToken: [] },
    ...(serving.length === 0 ? [] : [{ apiKey: serving }]),
    ...(isForAnyone || isForAnyoneAtTimes ? [{}] : []),
  ]
}

function parametersOf(route: Route, schemas: SchemaWriter, example: RouteExample | undefined) {
  const path = parametersIn('path', route.pathParameters, schemas, example?.path)
  const query = parametersIn('query', route.query, schemas, example?.query)
  const headers = requestHeaders(route, example?.headers ?? {})
  return [...path, ...query, ...headers]
}

function parametersIn(
  place: 'path' | 'query',
  schema: z.ZodObject,
  schemas: SchemaWriter,
  example: Readonly<Record<string, string>> = {},
) {
  return Object.entries<z.ZodType>(schema.shape).map(([name, field]) => {
    const { description, ...written } = schemas.request(field)
    const isRequired = place === 'path' || !field.safeParse(undefined).success
    return {
      name,
      in: place,
      ...(description === undefined ? {} : { description }),
      ...(isRequired ? { required: true } : {}),
      schema: written,
      ...(example[name] === undefined ? {} : { example: exampleOf(written, example[name]) }),
    }
  })
}

function exampleOf({ type }: JsonSchema, text: string): string | number | readonly string[] {
  if (type === 'integer') return Number(text)
  return type === 'array' ? [text] : text
}

function bodyOf({ body, isBodyDocument }: Route, schemas: SchemaWriter, example: RouteExample | undefined) {
  if (body.kind === 'none') return undefined
  // A merge patch is no member of a body, it is the body.
  const [whole] = isBodyDocument === true ? Object.values<z.ZodType>(body.schema.shape) : []
  const schema = schemas.request(whole ?? body.schema)
  const media = { schema, ...(example?.body === undefined ? {} : { example: example.body }) }
  const types = isBodyDocument === true ? ['application/merge-patch+json', 'application/json'] : ['application/json']
  return { required: !body.isOptional, content: Object.fromEntries(types.map((type) => [type, media])) }
}

function responsesOf(route: Route, schemas: SchemaWriter, refusals: RefusalWriter): Record<string, unknown> {
  const responses: Record<string, unknown> = {}
  for (const [status, schema] of Object.entries(route.answers)) {
    responses[status] = {
      description: successTexts[status] ?? 'Done.',
      headers: headersOf([...commonHeaders(route.path, Number(status)), ...answerHeaders(route)]),
      ...(schema === null ? {} : { content: contentOf(route, schema, schemas) }),
    }
  }
  if (answerHeaders(route).includes('ETag') && route.method === 'GET') {
    responses['304'] = {
      description: 'Nothing has changed since the ETag in If-None-Match.',
      headers: headersOf([...commonHeaders(route.path, 304), 'ETag']),
    }
  }
  for (const [status, codes] of refusalsOf(route)) responses[status] = refusals.refer(route, status, codes)
  return responses
}

function contentOf(
  { method, path, answerType: type = 'application/json' }: Route,
  schema: z.ZodType,
  schemas: SchemaWriter,
) {
  const example = type === 'application/json' ? recordedResponses[`${method} ${path}`] : undefined
  return { [type]: { schema: schemas.answer(schema), ...(example === undefined ? {} : { example }) } }
}
