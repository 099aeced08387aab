import { routes } from '@millrace/api/app'
import { allows, scopes, type Scope } from '@millrace/api/scopes'
import { describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, expectConventions, readAnswer, type Answer } from './answers.ts'
import { prepareExample, sendPrepared, type PreparedRequest } from './examples.ts'
import { absentId, useWorld } from './scenarios.ts'
import type { World } from './world.ts'

type Route = (typeof routes)[number]

/** What holds for every route there is, by walking the app's own table. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const paths = [...Map.groupBy(routes, ({ path }) => path)]
const nameOf = ({ method, path }: Route) => `${method} ${path}`
const reads = routes.filter(({ method }) => method === 'GET')
const writes = routes.filter(({ method }) => method !== 'GET')
const ignoresTokens = ({ access }: Route) => access.kind === 'open' && access.checksToken !== true
/** Those that know callers; /metrics knows its own token alone. */
const guarded = routes.filter((route) => !ignoresTokens(route) && route.access.kind !== 'metrics')
const paged = guarded.filter(({ query }) => 'cursor' in query.shape)
const parametered = routes.filter(({ path }) => path.endsWith('}'))
const origin = 'https://console.example.com'
/** Each route is sent several that are larger. */
const maxBodyBytes = 65_536
const tooLarge = `{"x":"${'x'.repeat(maxBodyBytes)}"}`

test('under /v1 a token is ignored by register, login, refresh and logout alone', () => {
  const ignoring = routes.filter((route) => route.path.startsWith('/v1/') && ignoresTokens(route))
  expect(ignoring.map(nameOf)).toEqual(
    ['register', 'login', 'refresh', 'logout'].map((name) => `POST /v1/auth/${name}`),
  )
})

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect, { CORS_ORIGINS: origin, MAX_BODY_BYTES: String(maxBodyBytes) })

  describe.each(paths)('%s', (path, ofPath) => {
    const taken = ofPath.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    const concrete = path.replaceAll(/\{\w+\}/g, absentId)

    test('takes its methods and no other, whatever else is wrong', async () => {
      for (const method of methods.filter((candidate) => !taken.includes(candidate))) {
        const body = method === 'GET' || method === 'HEAD' ? undefined : tooLarge
        const headers = { 'Content-Type': 'text/plain', Authorization: 'Bearer nonsense' }
        const sent = body === undefined ? { headers: { Authorization: 'Bearer nonsense' } } : { body, headers }
        const answer = await readAnswer(await suite.world.send('nobody', method, concrete, sent))
        expect([method, answer.status, answer.headers.get('Allow')]).toEqual([method, 405, taken.join(', ')])
        expectConventions(answer, { method, path: concrete, isAnonymous: false })
      }
    })

    test('says to OPTIONS what it takes', async () => {
      const answer = await readAnswer(await suite.world.send('nobody', 'OPTIONS', concrete))
      expect([answer.status, answer.headers.get('Allow')]).toEqual([204, taken.join(', ')])
    })

    test('lets an allowed origin in, without a token, and no other', async () => {
      const preflight = { 'Access-Control-Request-Method': ofPath[0]?.method ?? '' }
      const allowed = await preflightOf(suite.world, concrete, { ...preflight, Origin: origin })
      expect([allowed.status, allowed.headers.get('Access-Control-Allow-Origin')]).toEqual([204, origin])
      for (const method of taken) expect(allowed.headers.get('Access-Control-Allow-Methods')).toContain(method)
      const sent = ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'Idempotency-Key', 'Last-Event-ID']
      for (const name of sent) {
        expect(allowed.headers.get('Access-Control-Allow-Headers')).toContain(name)
      }
      const other = await preflightOf(suite.world, concrete, { ...preflight, Origin: 'https://evil.example.com' })
      expect(other.headers.get('Access-Control-Allow-Origin')).toBeNull()
    })
  })

  describe.each(reads.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
    test('is the same for HEAD, without a body', async () => {
      const { world } = suite
      const prepared = await prepareExample(world, name)
      const got = await readAnswer(await sendPrepared(world, prepared, { method: 'GET' }))
      const head = await readAnswer(await sendPrepared(world, prepared, { method: 'HEAD' }))
      expect(head.text).toBe('')
      expect([head.status, lasting(head)]).toEqual([got.status, lasting(got)])
      expectConventions(head, { method: 'HEAD', path: route.path, isAnonymous: route.access.kind === 'open' })
    })

    test('is 304 to whoever has what its ETag names, and only then', async () => {
      const { world } = suite
      const prepared = await prepareExample(world, name)
      const { headers } = await readAnswer(await sendPrepared(world, prepared))
      const tag = headers.get('ETag')
      if (tag === null) {
        // Without a tag there is nothing to be had already.
        const anyway = await readAnswer(await sendPrepared(world, prepared, { headers: { 'If-None-Match': '*' } }))
        expect(anyway.status).toBe(prepared.status)
        return
      }
      for (const known of [tag, `W/${tag.replace(/^W\//, '')}`, `"other", ${tag}`, '*']) {
        const answer = await readAnswer(await sendPrepared(world, prepared, { headers: { 'If-None-Match': known } }))
        expect([known, answer.status, answer.text, answer.headers.get('ETag')]).toEqual([known, 304, '', tag])
      }
      const other = await readAnswer(await sendPrepared(world, prepared, { headers: { 'If-None-Match': '"other"' } }))
      expect(other.status).toBe(200)
    })

    test('may be kept by none but anonymous callers, who ask again', async () => {
      const { world } = suite
      const answer = await readAnswer(await sendPrepared(world, await prepareExample(world, name)))
      const isOpen = route.access.kind === 'open' || route.access.kind === 'metrics'
      expect(answer.headers.get('Cache-Control')).toBe(isOpen ? 'no-cache' : 'no-store')
      expect(/\bAuthorization\b/.test(answer.headers.get('Vary') ?? '')).toBe(route.path.startsWith('/v1/'))
    })

    test('can be read by scripts of an allowed origin', async () => {
      const { world } = suite
      const prepared = await prepareExample(world, name)
      const answer = await readAnswer(await sendPrepared(world, prepared, { headers: { Origin: origin } }))
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(origin)
      expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull()
      for (const exposed of [
        'ETag',
        'Location',
        'X-Request-Id',
        'Retry-After',
        'Idempotency-Replayed',
        'Server-Timing',
      ]) {
        expect(answer.headers.get('Access-Control-Expose-Headers')).toContain(exposed)
      }
    })
  })

  describe.each(writes.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
    test('refuses 413 before 415, 415 before 400, 400 before 401', async () => {
      const { world } = suite
      const prepared = await prepareExample(world, name)
      const bad = { Authorization: 'Bearer nonsense' }
      const plain = { ...bad, 'Content-Type': 'text/plain' }
      expect(await codeOf(world, { ...prepared, body: tooLarge }, plain)).toBe('payload_too_large')
      expect(await codeOf(world, { ...prepared, body: '{' }, plain)).toBe('unsupported_media_type')
      expect(await codeOf(world, { ...prepared, body: '{' }, bad)).toBe('malformed_json')
      if (!ignoresTokens(route)) expect(await codeOf(world, prepared, bad)).toBe('unauthenticated')
    })
  })

  describe.each(guarded.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
    test('refuses by standing, then scope, before all that the request itself lacks', async () => {
      const { world } = suite
      const prepared = faulty(await prepareExample(world, name))
      expect(await codeOf(world, prepared, { Authorization: 'Bearer nonsense' })).toBe('unauthenticated')
      const disabled = { ...prepared, token: world.users.disabled.token }
      expect(await codeOf(world, disabled)).toBe('account_disabled')
      const narrow = await narrowKey(world, prepared, route)
      if (narrow !== undefined) expect(await codeOf(world, { ...prepared, token: narrow })).toBe('scope_missing')
    })

    test('then 404, forbidden, 422, 428, 412', async () => {
      const { world } = suite
      const prepared = await prepareExample(world, name)
      const isAboutThing = ['workflow', 'execution', 'schedule'].includes(route.access.kind)
      const without = route.isConditional ? { 'If-Match': null } : {}
      if (isAboutThing) {
        const missing = faulty({ ...prepared, path: prepared.path.replace(/(?<=\/v1\/\w+\/)[^/?]+/, absentId) })
        expect(await codeOf(world, missing, without)).toBe('not_found')
        expect(await codeOf(world, { ...faulty(prepared), token: world.users.stranger.token }, without)).toBe(
          'not_found',
        )
      }
      if (route.access.kind === 'admin') {
        const ordinary = { ...faulty(prepared), token: world.users.stranger.token }
        expect(await codeOf(world, ordinary)).toBe('forbidden')
      }
      expect(await codeOf(world, faulty(prepared), without)).toBe('validation_failed')
      if (!route.isConditional) return
      expect(await codeOf(world, prepared, without)).toBe('precondition_required')
      for (const stale of ['"77"', 'nonsense']) {
        expect(await codeOf(world, prepared, { 'If-Match': stale })).toBe('precondition_failed')
      }
    })
  })

  describe.each(paged.map((route) => [nameOf(route), route] as const))('%s', (name, { access }) => {
    test('refuses a cursor that is none after all that the thing has against the caller', async () => {
      const { world } = suite
      const prepared = withQuery(await prepareExample(world, name), 'cursor=nothing')
      expect(await codeOf(world, prepared)).toBe('invalid_cursor')
      const asStranger = { ...prepared, token: world.users.stranger.token }
      const isAboutThing = access.kind === 'workflow' || access.kind === 'execution'
      const refusal = isAboutThing ? 'not_found' : access.kind === 'admin' ? 'forbidden' : 'invalid_cursor'
      expect(await codeOf(world, asStranger)).toBe(refusal)
    })
  })

  describe.each(parametered.map((route) => [nameOf(route), route] as const))('%s', (name) => {
    test('finds nothing of a name that none can have, nor of its own with a space behind it', async () => {
      const { world } = suite
      const prepared = await prepareExample(world, name)
      const [segment = ''] = /[^/]+$/.exec(prepared.path) ?? []
      for (const other of ['%00', 'x%00', '%E0%A4%A', 'x'.repeat(256), `${segment}%20`]) {
        const path = `${prepared.path.slice(0, -segment.length)}${other}`
        expect([other, await codeOf(world, { ...prepared, path }, { 'If-Match': '*' })]).toEqual([other, 'not_found'])
      }
    })
  })
})

/** With a parameter that no route knows. */
function faulty(prepared: PreparedRequest): PreparedRequest {
  return { ...prepared, path: `${prepared.path}${prepared.path.includes('?') ? '&' : '?'}nothing=1` }
}

function withQuery(prepared: PreparedRequest, query: string): PreparedRequest {
  return { ...prepared, path: `${prepared.path.split('?')[0]}?${query}` }
}

/** An API key of the caller's that the route does not serve; undefined where no key is too narrow. */
async function narrowKey(world: World, { token }: PreparedRequest, { scope }: Route): Promise<string | undefined> {
  const unfit = scopes.find((held: Scope) => scope !== undefined && !allows(new Set([held]), scope))
  if (unfit === undefined) return undefined
  const body = JSON.stringify({ name: 'narrow', scopes: [unfit] })
  const made = await world.send('nobody', 'POST', '/v1/api-keys', {
    body,
    headers: { Authorization: `Bearer ${token}` },
  })
  return String(asRecord((await readAnswer(made)).json)['key'])
}

/** The code of the refusal, or the status of what was done. @param more Headers over the request's; null: without. */
async function codeOf(
  world: World,
  prepared: PreparedRequest,
  more: Readonly<Record<string, string | null>> = {},
): Promise<unknown> {
  const given = {
    ...prepared.headers,
    Authorization: `Bearer ${prepared.token}`,
    'Idempotency-Key': crypto.randomUUID(),
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of [...Object.entries(given), ...Object.entries(more)]) {
    if (value === null) delete headers[name]
    else headers[name] = value
  }
  const { method, path, body } = prepared
  const answer = await readAnswer(await world.send('nobody', method, path, { body, headers }))
  expectConventions(answer, { method, path, isAnonymous: false })
  return answer.status < 400 ? answer.status : asRecord(answer.json)['code']
}

function preflightOf(world: World, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return world.send('nobody', 'OPTIONS', path, { headers }).then(readAnswer)
}

/** The headers that are the same at each request. */
function lasting({ headers }: Answer) {
  const passing = new Set([
    'date',
    'x-request-id',
    'server-timing',
    'content-length',
    'transfer-encoding',
    'connection',
    'keep-alive',
    'content-encoding',
  ])
  return Object.fromEntries([...headers].filter(([name]) => !passing.has(name)))
}
