import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, itemsOf, nextCursorOf, readAnswer } from './answers.ts'
import { runScenarios, useWorld, type Scenario } from './scenarios.ts'
import { register } from './world.ts'

const create = { method: 'POST', path: '/v1/workflows' } as const
const good = '{"name":"a","definition":{}}'

const bodies: readonly Scenario[] = [
  {
    name: 'application/json with charset=utf-8 is JSON',
    ...create,
    body: good,
    headers: { 'Content-Type': 'Application/JSON; charset="UTF-8"' },
    status: 201,
  },
  {
    name: 'text/plain is 415',
    ...create,
    body: good,
    headers: { 'Content-Type': 'text/plain' },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'another charset is 415',
    ...create,
    body: good,
    headers: { 'Content-Type': 'application/json; charset=latin1' },
    status: 415,
  },
  {
    name: 'a kind of JSON that is not application/json is 415',
    ...create,
    body: good,
    headers: { 'Content-Type': 'application/vnd.api+json' },
    status: 415,
  },
  { name: 'a compressed body is 415', ...create, body: good, headers: { 'Content-Encoding': 'gzip' }, status: 415 },
  {
    name: 'a body without content type is 415',
    ...create,
    body: new TextEncoder().encode(good),
    headers: { 'Content-Type': '' },
    status: 415,
  },
  { name: 'no JSON at all is 400', ...create, body: '{"name":', status: 400, code: 'malformed_json' },
  { name: 'something after the JSON is 400', ...create, body: `${good} x`, status: 400, code: 'malformed_json' },
  {
    name: 'an empty body where one is needed is 400',
    ...create,
    body: '',
    headers: { 'Content-Type': 'application/json' },
    status: 400,
    code: 'malformed_json',
  },
  {
    name: 'invalid UTF-8 is 400',
    ...create,
    body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    status: 400,
    code: 'malformed_json',
  },
  { name: 'a byte order mark is 400', ...create, body: `\ufeff${good}`, status: 400, code: 'malformed_json' },
  {
    name: 'a duplicate member of the body is 400',
    ...create,
    body: '{"name":"a","name":"b","definition":{}}',
    status: 400,
    code: 'malformed_json',
  },
  {
    name: 'a duplicate member under another spelling is 400',
    ...create,
    body: '{"name":"a","n\\u0061me":"b","definition":{}}',
    status: 400,
    code: 'malformed_json',
  },
  {
    name: '__proto__ of the body is 400',
    ...create,
    body: '{"__proto__":{},"name":"a","definition":{}}',
    status: 400,
    code: 'malformed_json',
  },
  {
    name: 'a body that is no object is 422',
    ...create,
    body: '[]',
    status: 422,
    code: 'validation_failed',
    places: [''],
  },
  { name: 'null is no object', ...create, body: 'null', status: 422, code: 'validation_failed', places: [''] },
  {
    name: 'an unknown field is 422',
    ...create,
    body: '{"name":"a","definition":{},"ownerId":"x"}',
    status: 422,
    code: 'validation_failed',
    places: ['/ownerId'],
  },
  {
    name: 'a snake_case spelling is unknown',
    ...create,
    body: '{"name":"a","definition":{},"is_public":true}',
    status: 422,
    places: ['/is_public'],
  },
  {
    name: 'an inherited name is unknown',
    ...create,
    body: '{"name":"a","definition":{},"constructor":1}',
    status: 422,
    places: ['/constructor'],
  },
  {
    name: 'U+0000 in a plain field is 422 validation_failed',
    ...create,
    body: '{"name":"a\\u0000","definition":{}}',
    status: 422,
    code: 'validation_failed',
    places: ['/name'],
  },
  {
    name: 'a lone surrogate in a plain field is 422 validation_failed',
    ...create,
    body: '{"name":"\\ud800","definition":{}}',
    status: 422,
    code: 'validation_failed',
    places: ['/name'],
  },
  {
    name: 'a surrogate pair in a plain field is fine',
    ...create,
    body: '{"name":"\\ud83d\\ude00","definition":{}}',
    status: 201,
    json: { name: '\u{1f600}' },
  },
  {
    name: 'all that is wrong is said at once',
    ...create,
    body: '{"nme":1,"description":2,"isPublic":"yes"}',
    status: 422,
    places: ['/nme', '/name', '/description', '/definition', '/isPublic'],
  },
  { name: 'a body of the most bytes is taken', ...create, body: paddedTo(1_048_576), status: 201 },
  { name: 'one byte more is 413', ...create, body: paddedTo(1_048_577), status: 413, code: 'payload_too_large' },
]

/** A creation of exactly so many bytes. */
function paddedTo(bytes: number): string {
  const head = '{"name":"a","definition":{"pad":"'
  const tail = '"}}'
  return `${head}${'x'.repeat(bytes - head.length - tail.length)}${tail}`
}

const bodiless: readonly Scenario[] = [
  {
    name: 'a route that needs nothing takes {}',
    fresh: {},
    method: 'DELETE',
    path: '/v1/workflows/{fresh}',
    body: '{}',
    headers: { 'If-Match': '*' },
    status: 204,
  },
  {
    name: 'and an empty body',
    fresh: {},
    method: 'DELETE',
    path: '/v1/workflows/{fresh}',
    body: '',
    headers: { 'If-Match': '*', 'Content-Type': 'text/plain' },
    status: 204,
  },
  {
    name: 'but no field',
    fresh: {},
    method: 'DELETE',
    path: '/v1/workflows/{fresh}',
    body: '{"force":true}',
    headers: { 'If-Match': '*' },
    status: 422,
    places: ['/force'],
  },
  {
    name: 'nor what is not JSON',
    fresh: {},
    method: 'DELETE',
    path: '/v1/workflows/{fresh}',
    body: 'x',
    headers: { 'If-Match': '*' },
    status: 400,
  },
]

const queries: readonly Scenario[] = [
  {
    name: 'an unknown query parameter is 422',
    path: '/v1/workflows?page=2',
    status: 422,
    code: 'validation_failed',
    places: ['page'],
  },
  { name: 'so on a route without any', path: '/v1/auth/me?x=1', status: 422, places: ['x'] },
  { name: 'so beside a body', method: 'POST', path: '/v1/workflows?dry=1', body: good, status: 422, places: ['dry'] },
  { name: 'so beside /v1', as: 'nobody', path: '/healthz?x', status: 422, places: ['x'] },
  { name: 'a repeated query parameter is 422', path: '/v1/workflows?limit=1&limit=1', status: 422, places: ['limit'] },
  { name: 'U+0000 in a query parameter is 422', path: '/v1/workflows?q=%00', status: 422, places: ['q'] },
  { name: 'limit 1 is the least', path: '/v1/workflows?limit=1', status: 200 },
  { name: 'limit 100 is the most', path: '/v1/workflows?limit=100', status: 200 },
  { name: 'limit 0 is 422', path: '/v1/workflows?limit=0', status: 422, places: ['limit'] },
  { name: 'limit 101 is 422', path: '/v1/workflows?limit=101', status: 422, places: ['limit'] },
  { name: 'limit 1.5 is 422', path: '/v1/workflows?limit=1.5', status: 422, places: ['limit'] },
  { name: 'an empty limit is 422', path: '/v1/workflows?limit=', status: 422, places: ['limit'] },
  { name: 'an unknown scope is 422', path: '/v1/workflows?scope=mine', status: 422, places: ['scope'] },
  { name: 'an unknown sort is 422', path: '/v1/workflows?sort=name', status: 422, places: ['sort'] },
  {
    name: 'a time with an offset is taken',
    path: '/v1/workflows?updatedSince=2026-01-31T09:30:00%2B02:00',
    status: 200,
  },
  {
    name: 'also when its + came as a blank',
    path: '/v1/workflows?updatedSince=2026-01-31T09:30:00+02:00',
    status: 200,
  },
  {
    name: 'a time without an offset is 422',
    path: '/v1/workflows?updatedSince=2026-01-31T09:30:00',
    status: 422,
    places: ['updatedSince'],
  },
  {
    name: 'a day that no month has is 422',
    path: '/v1/workflows?updatedSince=2026-02-30T00:00:00Z',
    status: 422,
    places: ['updatedSince'],
  },
  {
    name: 'a year that no database keeps is 422',
    path: '/v1/workflows?updatedSince=0999-12-31T00:00:00Z',
    status: 422,
    places: ['updatedSince'],
  },
  {
    name: 'nonsense for a cursor is invalid_cursor',
    path: '/v1/workflows?cursor=abc',
    status: 422,
    code: 'invalid_cursor',
    places: ['cursor'],
  },
  { name: 'an empty cursor is invalid_cursor', path: '/v1/workflows?cursor=', status: 422, code: 'invalid_cursor' },
]

const paths: readonly Scenario[] = [
  { name: 'an unknown path is 404 without a token', as: 'nobody', path: '/v1/nothing', status: 404, code: 'not_found' },
  { name: 'and with a bad one', as: 'impostor', path: '/v1/nothing', status: 404 },
  { name: 'beside /v1 too', as: 'nobody', path: '/favicon.ico', status: 404 },
  { name: 'a slash at the end is another path', path: '/v1/workflows/', status: 404 },
  {
    name: 'a method that the path has not is 405 with Allow',
    method: 'PUT',
    path: '/v1/workflows',
    status: 405,
    code: 'method_not_allowed',
    answerHeaders: { Allow: 'POST, GET, HEAD' },
  },
  {
    name: 'without a token too',
    as: 'nobody',
    method: 'DELETE',
    path: '/v1/auth/sessions',
    status: 405,
    answerHeaders: { Allow: 'GET, HEAD' },
  },
  { name: 'GET of what is only posted is 405', path: '/v1/auth/login', status: 405, answerHeaders: { Allow: 'POST' } },
  { name: 'HEAD of what is only posted is 405', method: 'HEAD', path: '/v1/auth/login', status: 405 },
  {
    name: 'OPTIONS says what a path takes',
    as: 'nobody',
    method: 'OPTIONS',
    path: '/v1/workflows/{private}',
    status: 204,
    answerHeaders: { Allow: 'GET, HEAD, PATCH, DELETE' },
  },
  { name: 'batch is never an id', path: '/v1/workflows/batch/versions', status: 404 },
  {
    name: 'and what is made in batches is not read',
    path: '/v1/workflows/batch',
    status: 405,
    answerHeaders: { Allow: 'POST' },
  },
  { name: 'claim is never an id', path: '/v1/workflows/claim', status: 404 },
  { name: 'an id of 65 characters is 404', path: `/v1/workflows/${'x'.repeat(65)}`, status: 404 },
  { name: 'an id with a space at its end is 404', path: '/v1/workflows/{private}%20', status: 404, hasNot: ['secret'] },
  { name: 'an id in another case is another id', path: '/v1/workflows/X{private}', status: 404 },
  { name: 'U+0000 in an id is 404', path: '/v1/workflows/a%00', status: 404 },
  { name: 'a bad percent-encoding is 404', path: '/v1/workflows/%E0%A4%A', status: 404 },
  { name: 'without a token it is 401, as every id is', as: 'nobody', path: '/v1/workflows/%E0%A4%A', status: 401 },
]

const heads: readonly Scenario[] = [
  {
    name: 'HEAD of a workflow is as GET',
    method: 'HEAD',
    path: '/v1/workflows/{private}',
    status: 200,
    answerHeaders: { ETag: '"1"', 'Content-Type': 'application/json' },
  },
  { name: 'HEAD of a list', method: 'HEAD', path: '/v1/workflows', status: 200 },
  {
    name: 'HEAD of what is not there',
    method: 'HEAD',
    path: '/v1/workflows/{absent}',
    status: 404,
    answerHeaders: { 'Content-Type': 'application/problem+json' },
  },
  {
    name: 'HEAD with a matching If-None-Match',
    method: 'HEAD',
    path: '/v1/workflows/{private}',
    headers: { 'If-None-Match': '"1"' },
    status: 304,
  },
  {
    name: 'HEAD without a token',
    as: 'nobody',
    method: 'HEAD',
    path: '/v1/workflows/{private}',
    status: 401,
    answerHeaders: { 'WWW-Authenticate': /^Bearer/ },
  },
]

const requestIds: readonly Scenario[] = [
  {
    name: "the caller's request id comes back",
    path: '/v1/auth/me',
    headers: { 'X-Request-Id': 'Abc-1._' },
    status: 200,
    answerHeaders: { 'X-Request-Id': 'Abc-1._' },
  },
  {
    name: 'in a problem too',
    path: '/v1/workflows/{absent}',
    headers: { 'X-Request-Id': 'abc' },
    status: 404,
    json: { requestId: 'abc' },
  },
  {
    name: 'one of 64 characters is kept',
    path: '/v1/auth/me',
    headers: { 'X-Request-Id': 'x'.repeat(64) },
    status: 200,
    answerHeaders: { 'X-Request-Id': 'x'.repeat(64) },
  },
  {
    name: 'one of 65 is replaced',
    path: '/v1/auth/me',
    headers: { 'X-Request-Id': 'x'.repeat(65) },
    status: 200,
    answerHeaders: { 'X-Request-Id': /^[0-9a-f-]{36}$/ },
  },
  {
    name: 'one with other characters is replaced',
    path: '/v1/auth/me',
    headers: { 'X-Request-Id': 'a b<script>' },
    status: 200,
    hasNot: ['script'],
    answerHeaders: { 'X-Request-Id': /^[0-9a-f-]{36}$/ },
  },
]

const entityTags: readonly Scenario[] = [
  {
    name: 'a workflow carries its revision as ETag',
    path: '/v1/workflows/{private}',
    status: 200,
    answerHeaders: { ETag: '"1"' },
  },
  {
    name: 'a matching If-None-Match is 304 with the ETag',
    path: '/v1/workflows/{private}',
    headers: { 'If-None-Match': '"1"' },
    status: 304,
    answerHeaders: { ETag: '"1"' },
  },
  { name: 'so the weak form', path: '/v1/workflows/{private}', headers: { 'If-None-Match': 'W/"1"' }, status: 304 },
  { name: 'so a list', path: '/v1/workflows/{private}', headers: { 'If-None-Match': '"7", "1"' }, status: 304 },
  { name: 'so *', path: '/v1/workflows/{private}', headers: { 'If-None-Match': '*' }, status: 304 },
  { name: 'another one is 200', path: '/v1/workflows/{private}', headers: { 'If-None-Match': '"2"' }, status: 200 },
  { name: 'a malformed one is 200', path: '/v1/workflows/{private}', headers: { 'If-None-Match': '1' }, status: 200 },
  {
    name: 'who may not see it gets no 304',
    as: 'stranger',
    path: '/v1/workflows/{private}',
    headers: { 'If-None-Match': '*' },
    status: 404,
    answerHeaders: { ETag: null },
  },
  {
    name: 'what is public may be kept by anonymous callers, if they ask again',
    as: 'nobody',
    path: '/v1/workflows/{public}',
    status: 200,
    answerHeaders: { 'Cache-Control': 'no-cache' },
  },
  {
    name: 'a 304 too',
    as: 'nobody',
    path: '/v1/workflows/{public}',
    headers: { 'If-None-Match': '"1"' },
    status: 304,
    answerHeaders: { 'Cache-Control': 'no-cache' },
  },
  {
    name: 'the page of the API loads nothing of others, and no script stands in it',
    as: 'nobody',
    path: '/docs',
    status: 200,
    answerHeaders: { 'Content-Security-Policy': /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'$/ },
  },
  {
    name: 'no logged-in caller may keep anything',
    as: 'stranger',
    path: '/v1/workflows/{public}',
    status: 200,
    answerHeaders: { 'Cache-Control': 'no-store' },
  },
]

const origin = 'https://app.example'
const crossOrigin: readonly Scenario[] = [
  {
    name: 'a preflight needs no token',
    as: 'nobody',
    method: 'OPTIONS',
    path: '/v1/workflows/{private}',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'PATCH',
      'Access-Control-Request-Headers': 'if-match,authorization,content-type',
    },
    status: 204,
    answerHeaders: {
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Methods': /PATCH/,
      'Access-Control-Allow-Headers': /If-Match.*Idempotency-Key/,
      'Access-Control-Allow-Credentials': null,
      Vary: /Origin/,
    },
  },
  {
    name: 'an answer exposes what scripts need',
    path: '/v1/workflows/{private}',
    headers: { Origin: origin },
    status: 200,
    answerHeaders: {
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Expose-Headers': 'ETag,Location,X-Request-Id,Retry-After,Idempotency-Replayed,Server-Timing',
      Vary: /Origin/,
    },
  },
  {
    name: 'a refusal can be read too',
    as: 'nobody',
    path: '/v1/auth/me',
    headers: { Origin: origin },
    status: 401,
    answerHeaders: { 'Access-Control-Allow-Origin': origin },
  },
  {
    name: 'another origin is not allowed',
    path: '/v1/auth/me',
    headers: { Origin: 'https://evil.example' },
    status: 200,
    answerHeaders: { 'Access-Control-Allow-Origin': null },
    hasNot: ['evil.example'],
  },
  {
    name: 'an origin that begins alike is not allowed',
    path: '/v1/auth/me',
    headers: { Origin: `${origin}.evil.example` },
    status: 200,
    answerHeaders: { 'Access-Control-Allow-Origin': null },
  },
]

const orderOfRefusals: readonly Scenario[] = [
  { name: '405 before 413', method: 'PUT', path: '/v1/workflows', body: paddedTo(1_048_577), status: 405 },
  {
    name: '413 before 415',
    ...create,
    body: paddedTo(1_048_577),
    headers: { 'Content-Type': 'text/plain' },
    status: 413,
  },
  { name: '413 before 401', ...create, as: 'nobody', body: paddedTo(1_048_577), status: 413 },
  { name: '415 before 400', ...create, body: '{', headers: { 'Content-Type': 'text/plain' }, status: 415 },
  {
    name: '415 before 401',
    ...create,
    as: 'nobody',
    body: good,
    headers: { 'Content-Type': 'text/plain' },
    status: 415,
  },
  { name: '400 before 401', ...create, as: 'impostor', body: '{', status: 400 },
  { name: '401 before 422', ...create, as: 'nobody', body: '{}', status: 401 },
  { name: '401 before 428', as: 'nobody', method: 'PATCH', path: '/v1/workflows/{public}', body: '{}', status: 401 },
  {
    name: 'account_disabled before the Idempotency-Key',
    ...create,
    as: 'disabled',
    body: good,
    headers: { 'Idempotency-Key': '\u00e9' },
    status: 403,
    code: 'account_disabled',
  },
  {
    name: 'account_disabled before 404',
    as: 'disabled',
    path: '/v1/workflows/{absent}',
    status: 403,
    code: 'account_disabled',
  },
  {
    name: 'account_disabled before 404 of an id that is none',
    as: 'disabled',
    path: '/v1/workflows/claim',
    status: 403,
    code: 'account_disabled',
  },
  { name: 'account_disabled before 422', ...create, as: 'disabled', body: '{}', status: 403, code: 'account_disabled' },
  {
    name: 'account_disabled before invalid_cursor',
    as: 'disabled',
    path: '/v1/workflows?cursor=x',
    status: 403,
    code: 'account_disabled',
  },
  { name: '404 before 422', method: 'PATCH', path: '/v1/workflows/{absent}', body: '{"name":""}', status: 404 },
  {
    name: '404 before 422 for who may not see it',
    as: 'stranger',
    method: 'PATCH',
    path: '/v1/workflows/{private}',
    body: '{"name":""}',
    status: 404,
  },
  { name: '404 before 428', method: 'DELETE', path: '/v1/workflows/{absent}', status: 404 },
  {
    name: '404 before 412',
    method: 'DELETE',
    path: '/v1/workflows/{absent}',
    headers: { 'If-Match': '"9"' },
    status: 404,
  },
  { name: '404 before invalid_cursor', path: '/v1/workflows/{absent}/versions?cursor=x', status: 404 },
  {
    name: 'forbidden before 422',
    as: 'viewer',
    method: 'PATCH',
    path: '/v1/workflows/{private}',
    body: '{"name":""}',
    status: 403,
    code: 'forbidden',
  },
  {
    name: 'forbidden before 428',
    as: 'viewer',
    method: 'DELETE',
    path: '/v1/workflows/{private}',
    status: 403,
    code: 'forbidden',
  },
  {
    name: 'forbidden before 412',
    as: 'editor',
    method: 'DELETE',
    path: '/v1/workflows/{private}',
    headers: { 'If-Match': 'x' },
    status: 403,
    code: 'forbidden',
  },
  {
    name: 'forbidden by one field before 422 by another',
    as: 'editor',
    method: 'PATCH',
    path: '/v1/workflows/{private}',
    body: '{"isPublic":true,"name":""}',
    headers: { 'If-Match': '"1"' },
    status: 403,
    code: 'forbidden',
  },
  { name: '422 before 428', method: 'PATCH', path: '/v1/workflows/{private}', body: '{"name":""}', status: 422 },
  {
    name: '422 before 412',
    method: 'PATCH',
    path: '/v1/workflows/{private}',
    body: '{"name":""}',
    headers: { 'If-Match': '"9"' },
    status: 422,
  },
  {
    name: '428 when nothing else is wrong',
    method: 'PATCH',
    path: '/v1/workflows/{private}',
    body: '{"name":"b"}',
    status: 428,
    code: 'precondition_required',
  },
  {
    name: '412 when only If-Match is malformed',
    method: 'PATCH',
    path: '/v1/workflows/{private}',
    body: '{"name":"b"}',
    headers: { 'If-Match': '1' },
    status: 412,
    code: 'precondition_failed',
  },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect, { CORS_ORIGINS: `https://other.example,${origin}` })

  runScenarios(suite, [
    ...bodies,
    ...bodiless,
    ...queries,
    ...paths,
    ...heads,
    ...requestIds,
    ...entityTags,
    ...crossOrigin,
    ...orderOfRefusals,
  ])

  test('a body that grows beyond the limit without a Content-Length is 413', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(65_536))
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1
        if (sent > 40) controller.close()
        else controller.enqueue(chunk)
      },
    })
    const init = { body, headers: { 'Content-Type': 'application/json' } }
    expect((await suite.world.send('owner', 'POST', '/v1/workflows', init)).status).toBe(413)
    // Read to its end: a proxy in between would have its own error otherwise.
    expect(sent).toBe(41)
  })

  test('an imported id of any characters is found by its percent-encoding', async () => {
    const { id } = await suite.world.workflow({ isShared: false })
    const odd = "a/b ü%20?#'&\u{1f600}"
    await suite.world.service.database
      .query(`insert into workflows (id, name, definition, owner_id, is_public, created_at, updated_at, version_number, revision, name_key)
      select '${odd.replaceAll("'", "''")}', name, definition, owner_id, is_public, created_at, updated_at, 1, 1, name_key from workflows where id = '${id}'`)
    const answer = await readAnswer(await suite.world.send('owner', 'GET', `/v1/workflows/${encodeURIComponent(odd)}`))
    expect([answer.status, asRecord(answer.json)['id']]).toEqual([200, odd])
  })

  test('pages hold everything once, newest first, while others insert and edit', async () => {
    const walker = await register(suite.world.service, 'walker')
    const send = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
      const authorized = { Authorization: `Bearer ${walker.token}`, 'Content-Type': 'application/json', ...headers }
      const init = body === undefined ? { method, headers: authorized } : { method, headers: authorized, body }
      return readAnswer(await suite.world.service.fetch(path, init))
    }
    const made: unknown[] = []
    for (let n = 0; n < 7; n += 1) {
      const { json } = await send('POST', '/v1/workflows', `{"name":"w${n}","definition":{}}`)
      made.unshift(asRecord(json)['id'])
    }
    const seen: unknown[] = []
    let cursor: string | undefined = ''
    while (cursor !== undefined) {
      const page = await send('GET', `/v1/workflows?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      const items = itemsOf(page.json)
      expect(items.length).toBeLessThanOrEqual(2)
      seen.push(...items.map(({ id }) => id))
      cursor = nextCursorOf(page.json)
      await send('POST', '/v1/workflows', '{"name":"later","definition":{}}')
      await send('PATCH', `/v1/workflows/${String(made.at(-1))}`, `{"name":"edited ${seen.length}"}`, {
        'If-Match': '*',
      })
    }
    expect(seen).toEqual(made)
  })

  test('a cursor counts only for its list, its filters and its caller', async () => {
    await suite.world.workflow()
    await suite.world.workflow()
    const page = await readAnswer(await suite.world.send('owner', 'GET', '/v1/workflows?limit=1'))
    const cursor = nextCursorOf(page.json) ?? ''
    const { id } = await suite.world.workflow()
    const answers = [
      ['owner', `/v1/workflows?limit=1&cursor=${cursor}`, 200],
      ['owner', `/v1/workflows?limit=2&cursor=${cursor}`, 200],
      ['owner', `/v1/workflows?scope=all&sort=createdAt&cursor=${cursor}`, 200],
      ['owner', `/v1/workflows?scope=owned&cursor=${cursor}`, 422],
      ['owner', `/v1/workflows?q=a&cursor=${cursor}`, 422],
      ['owner', `/v1/workflows?sort=updatedAt&cursor=${cursor}`, 422],
      ['owner', `/v1/workflows/${id}/versions?cursor=${cursor}`, 422],
      ['editor', `/v1/workflows?cursor=${cursor}`, 422],
      ['nobody', `/v1/workflows?scope=public&cursor=${cursor}`, 422],
      ['owner', `/v1/workflows?cursor=${cursor.slice(0, -2)}`, 422],
    ] as const
    for (const [actor, path, status] of answers) {
      const answer = await readAnswer(await suite.world.send(actor, 'GET', path))
      expect([path, answer.status]).toEqual([path, status])
      if (status === 422) expect(asRecord(answer.json)['code']).toBe('invalid_cursor')
    }
  })

  test('a cursor that was tampered with is refused, not given to the database', async () => {
    const { id } = await suite.world.workflow()
    await suite.world.workflow()
    await suite.world.send('owner', 'PATCH', `/v1/workflows/${id}`, {
      body: '{"definition":{"v":2}}',
      headers: { 'If-Match': '*' },
    })
    const tampered = async (list: string, position: readonly unknown[]) => {
      const page = await readAnswer(await suite.world.send('owner', 'GET', `${list}?limit=1`))
      const parts: unknown = JSON.parse(Buffer.from(nextCursorOf(page.json) ?? '', 'base64url').toString())
      const [binding] = Array.isArray(parts) ? parts : []
      const cursor = Buffer.from(JSON.stringify([binding, ...position])).toString('base64url')
      const answer = await readAnswer(await suite.world.send('owner', 'GET', `${list}?cursor=${cursor}`))
      return [position, answer.status, asRecord(answer.json)['code']]
    }
    for (const at of [8.64e15, -8.64e15, Date.UTC(10_000, 0), Date.UTC(999, 0), 1.5, null]) {
      expect(await tampered('/v1/workflows', [at, id])).toEqual([[at, id], 422, 'invalid_cursor'])
    }
    for (const number of [2_147_483_648, Number.MAX_SAFE_INTEGER, 0, -1, 1.5, '1']) {
      expect(await tampered(`/v1/workflows/${id}/versions`, [number])).toEqual([[number], 422, 'invalid_cursor'])
    }
  })

  test('updatedSince includes its moment', async () => {
    const { text } = await suite.world.workflow({ name: 'just now' })
    const { updatedAt } = asRecord(JSON.parse(text))
    const after = new Date(Date.parse(String(updatedAt)) + 1).toISOString()
    const since = async (time: string) => {
      const path = `/v1/workflows?q=just%20now&updatedSince=${encodeURIComponent(time)}`
      return itemsOf((await readAnswer(await suite.world.send('owner', 'GET', path))).json).length
    }
    expect([await since(String(updatedAt)), await since(after)]).toEqual([1, 0])
  })

  test('50 come when no limit is given', async () => {
    for (let n = 0; n < 52; n += 1) await suite.world.workflow({ by: 'stranger', isShared: false })
    const answer = await readAnswer(await suite.world.send('stranger', 'GET', '/v1/workflows'))
    expect(itemsOf(answer.json)).toHaveLength(50)
  })
})
