import { routes } from '@millrace/api/app'
import { mintApiKey } from '@millrace/api/auth/api-keys'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { asRecord, readAnswer, type Answer } from '../contract/answers.ts'
import { prepareExample, type PreparedRequest } from '../contract/examples.ts'
import { startWorld, type World } from '../contract/world.ts'
import { casesOn, describeDialects, type DialectName } from '../dialects.ts'
import { drawn, isLong } from '../sampling.ts'
import { startService, type Service } from '../service.ts'

/*
 * Nothing of a request's body, query, path ids, headers, tokens or keys reaches the log, and nothing of one user's
 * another's answer. Each place gets a string that stands nowhere else; afterwards all that was logged, at level debug,
 * and all that was answered is searched for them.
 */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

/**
 * Each route is asked on one database, by seed: half of them on PostgreSQL, whose errors may hold whole rows, a quarter
 * on each of the others, and either in its body or in all that is beside it. What goes wrong with a database, or is
 * another's, is tried on each with a third of the routes. All on each with TEST_LONG=1.
 */
const quarters = ['postgres', 'postgres', 'sqlite', 'mysql'] as const
const askedNames = (dialect: DialectName): readonly string[] =>
  isLong ? names : names.filter((name) => quarters[drawn(`canaries ${name}`, quarters.length)] === dialect)

const isAskedByBody = (name: string): boolean => drawn(`canaries in the body of ${name}`, 2) === 0

const names = routes.map(({ method, path }) => `${method} ${path}`)

/** Each of them writes a row. */
const writing: ReadonlySet<string> = new Set([
  'POST /v1/workflows',
  'POST /v1/workflows/batch',
  'PATCH /v1/workflows/{id}',
  'POST /v1/workflows/{id}/shares',
  'POST /v1/workflows/{id}/executions',
  'PATCH /v1/executions/{id}',
  'PATCH /v1/settings',
])
const canaryPattern = /canary-\d+-[0-9a-f]{8}/g

/** Lines come after the answers. */
const patience = { timeout: 20_000 }

/** Headers that mean something to a route: each in a request of its own. */
const tellingHeaders = ['Idempotency-Key', 'If-Match', 'If-None-Match']

/** Headers that clients and proxies send; `X-Request-Id` only where it is no id: else the log is to have it. */
const otherHeaders = [
  ...['Cookie', 'Referer', 'Origin', 'User-Agent', 'Accept-Language', 'CF-Connecting-IP', 'X-Forwarded-For'],
  ...['X-Api-Key', 'Cache-Control', 'X-Request-Id', 'traceparent', 'tracestate'],
]

/** Query parameters, those of a group in one request. */
const queries = [
  ['cursor'],
  ['limit'],
  ['q', 'status', 'since', 'until', 'workflowId', 'updatedSince', 'sort', 'scope'],
]

/** A place in a body, by its members' names and indexes. */
type Place = readonly (string | number)[]

class Canaries {
  #count = 0

  next(): string {
    this.#count += 1
    return `canary-${this.#count}-${crypto.randomUUID().slice(0, 8)}`
  }
}

interface Sent {
  /** What was sent where, for whoever reads a failure. */
  readonly where: string
  readonly canaries: readonly string[]
  readonly answer: Answer
}

/** What in a log line or answer is none of the allowed canaries' business. */
function strayIn(text: string, allowed: readonly string[] = []): readonly string[] {
  return [...text.matchAll(canaryPattern)].map(([found]) => found).filter((found) => !allowed.includes(found))
}

function canariesIn(...texts: readonly (string | undefined)[]): readonly string[] {
  return texts.flatMap((text) => strayIn(text ?? ''))
}

describeDialects((dialect) => {
  const canaries = new Canaries()
  const asked = askedNames(dialect)
  const turn = casesOn(dialect, names, 'canaries')
  const sent: Sent[] = []
  /** Strings in a route's body that the route takes whatever they hold. */
  const freePlaces = new Map<string, Place[]>()
  let world: World

  beforeAll(async () => {
    world = await startWorld(dialect, { LOG_LEVEL: 'debug', SLOW_QUERY_MS: '1' })
  })
  afterAll(() => world.stop())

  async function send(where: string, request: PreparedRequest, changes: Partial<PreparedRequest> = {}): Promise<Sent> {
    const { method, path, body, headers, token } = { ...request, ...changes }
    const all = { Authorization: `Bearer ${token}`, ...headers }
    const isRead = method === 'GET' || method === 'HEAD'
    const response = await world.send('nobody', method, path, { body: isRead ? undefined : body, headers: all })
    const answer = await readAnswer(response)
    const was = { where, canaries: canariesIn(path, body, token, JSON.stringify(headers)), answer }
    sent.push(was)
    return was
  }

  const failures = () =>
    sent.filter(({ answer }) => answer.status >= 500).map(({ where, answer }) => [where, answer.text])

  describe('sent', () => {
    test.each(isLong ? asked : asked.filter(isAskedByBody))('in each string of the body of %s', async (name) => {
      let prepared = await prepareExample(world, name)
      const { body } = prepared
      for (const place of body === undefined ? [] : stringsOf(JSON.parse(body))) {
        const changed = changedAt(prepared.body ?? '', place, canaries.next())
        const { answer } = await send(`${name} at /${place.join('/')}`, prepared, { body: changed })
        if (answer.status < 300) freePlaces.set(name, [...(freePlaces.get(name) ?? []), place])
        if (!isAsBefore(answer)) prepared = await prepareExample(world, name)
      }
      const keyed = JSON.stringify({
        ...asRecord(JSON.parse(prepared.body ?? '{}')),
        [canaries.next()]: canaries.next(),
      })
      await send(`${name} by a member's name`, prepared, { body: keyed })
      await send(`${name} in what is no JSON`, prepared, { body: `{"${canaries.next()}":${canaries.next()}` })
      expect(failures()).toEqual([])
    })

    test.each(isLong ? asked : asked.filter((name) => !isAskedByBody(name)))(
      'in the path, query and headers of %s',
      async (name) => {
        const [method = '', pattern = ''] = name.split(' ')
        const prepared = await prepareExample(world, name)
        const [path = ''] = prepared.path.split('?')
        const inPath = pattern.replaceAll(/\{\w+\}/g, () => canaries.next())
        if (inPath !== pattern) await send(`${name} in the path`, prepared, { path: inPath })
        for (const group of [...queries, [canaries.next()]]) {
          const query = group.map((parameter) => `${parameter}=${canaries.next()}`).join('&')
          await send(`${name}?${query}`, prepared, { path: `${path}?${query}` })
        }
        let again = method === 'GET' ? prepared : await prepareExample(world, name)
        for (const group of [...tellingHeaders.map((header) => [header]), otherHeaders]) {
          const values = group.map((header) => [
            header,
            header === 'X-Request-Id' ? `no id: ${canaries.next()}` : canaries.next(),
          ])
          const { answer } = await send(`${name} ${group.join(', ')}`, again, {
            headers: { ...again.headers, ...Object.fromEntries(values) },
          })
          if (method !== 'GET' && !isAsBefore(answer)) again = await prepareExample(world, name)
        }
        const { text } = mintApiKey({ userId: canaries.next(), scopes: ['read', 'write'], expiresAt: null })
        for (const token of [`${canaries.next()}.e30.e30`, text]) {
          await send(`${name} with a token`, prepared, { token })
        }
        expect(failures()).toEqual([])
      },
    )

    test('in paths and methods that there are none of', async () => {
      const prepared = await prepareExample(world, 'GET /v1/auth/me')
      await send('an unknown path', prepared, { path: `/v1/${canaries.next()}` })
      await send('an unknown path beside', prepared, { path: `/${canaries.next()}` })
      await send('a known path with more', prepared, { path: `/v1/auth/me/${canaries.next()}` })
      await send('a method that it does not take', prepared, { method: 'DELETE', body: `{"a":"${canaries.next()}"}` })
      expect(failures()).toEqual([])
    })
  })

  test('to a database that refuses each row, they are answered 500 and logged with their cause alone', async () => {
    const prepared: { readonly name: string; readonly request: PreparedRequest }[] = []
    // Those that the seed deals to a database may be reads, nearly all: so that there are rows to be refused, some always are.
    const tried = names.filter((name) => asked.includes(name) || writing.has(name))
    for (const name of tried) prepared.push({ name, request: await prepareExample(world, name) })
    await refuseRows(world)
    try {
      let failed = 0
      for (const { name, request } of prepared) {
        const places = freePlaces.get(name) ?? []
        const body = places.reduce((text, place) => changedAt(text, place, canaries.next()), request.body ?? '')
        const headers = { ...request.headers, 'User-Agent': canaries.next() }
        const changes = request.body === undefined ? { headers } : { body, headers }
        const { answer } = await send(`${name} on a database that refuses rows`, request, changes)
        failed += answer.status >= 500 ? 1 : 0
      }
      expect(failed).toBeGreaterThan(isLong ? 10 : tried.length / 8)
    } finally {
      await takeRows(world)
    }
  })

  test('to a database that cannot be reached', async () => {
    const { users } = world
    const away = await startService(world.service.database, {
      migrate: false,
      vars: { ...world.service.vars, DATABASE_GATEWAY_URL: 'http://127.0.0.1:9' },
    })
    try {
      for (const name of turn) {
        const [method = '', pattern = ''] = name.split(' ')
        const path = pattern.replaceAll(/\{\w+\}/g, () => canaries.next())
        const key = mintApiKey({ userId: canaries.next(), scopes: ['read', 'write', 'admin'], expiresAt: null })
        for (const token of [users.admin.token, key.text]) {
          await sendAway(away, `${name} on no database`, { method, path, token, body: bodyFor(name) })
        }
      }
      expect(away.logs().filter((line) => line.includes('database_unreachable')).length).toBeGreaterThan(turn.length)
      expect(away.logs().flatMap((line) => strayIn(line))).toEqual([])
    } finally {
      await away.stop()
    }
  })

  /** The route's own example where it has a body, with canaries where it takes them. */
  function bodyFor(name: string): string | undefined {
    const route = routes[names.indexOf(name)]
    if (route === undefined || route.body.kind === 'none') return undefined
    const members = Object.keys(route.body.schema.shape).map((member) => [member, canaries.next()] as const)
    return JSON.stringify(Object.fromEntries(members))
  }

  async function sendAway(
    service: Service,
    where: string,
    { method, path, token, body }: Pick<PreparedRequest, 'method' | 'path' | 'token' | 'body'>,
  ): Promise<void> {
    const response = await service.fetch(path, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    })
    sent.push({ where, canaries: canariesIn(path, token, body), answer: await readAnswer(response) })
  }

  test('and asked for by another user, none is in an answer', async () => {
    const stray: string[] = []
    // Who is asked for no token logs in as whoever it names.
    const owned = routes.filter(({ access }) => access.kind !== 'open' && access.kind !== 'metrics')
    const ownedNames = new Set(owned.map(({ method, path }) => `${method} ${path}`))
    for (const name of turn.filter((one) => ownedNames.has(one))) {
      // What is another's: prepared for its own caller, asked for by a stranger.
      const prepared = await prepareExample(world, name)
      const { answer } = await send(`${name} by a stranger`, prepared, { token: world.users.stranger.token })
      stray.push(...strayIn(answer.text).map((canary) => `${name}: ${canary}`))
    }
    expect(stray).toEqual([])
  })

  test('no log line has any of them, though each request has its line', () => {
    const lines = world.service.logs()
    const requests = lines.filter((line) => line.includes('"event":"request"'))
    expect(requests.length).toBeGreaterThan(sent.length / 2)
    expect(lines.some((line) => line.includes('"event":"trip"') || line.includes('"event":"slow_query"'))).toBe(true)
    expect(new Set(sent.flatMap((one) => one.canaries)).size).toBeGreaterThan(asked.length * (isLong ? 15 : 6))
    const stray = lines.flatMap((line) => strayIn(line).map((canary) => `${whereOf(canary)}: ${line}`))
    expect(stray).toEqual([])
  })

  test('every log line is one line of JSON', () => {
    for (const line of world.service.logs()) {
      expect(line).not.toContain('\n')
      expect(asRecord(JSON.parse(line))['event']).toEqual(expect.any(String))
    }
  })

  test('no answer has one of another request, and no 5xx any', () => {
    const stray = sent.flatMap(({ where, canaries: own, answer }) => {
      const text = `${answer.text}\n${[...answer.headers].join('\n')}`
      const found = answer.status >= 500 ? strayIn(text) : answer.status >= 400 ? strayIn(text, own) : []
      return found.map((canary) => `${where} (${answer.status}): ${canary} of ${whereOf(canary)}`)
    })
    expect(stray).toEqual([])
  })

  test('the gateway’s log has none, at any level, nor have its metrics', async () => {
    const lines = world.service.gatewayLogs()
    expect(lines.filter((line) => line.includes('"event":"request"')).length).toBeGreaterThan(sent.length / 2)
    expect(lines.flatMap((line) => strayIn(line).map((canary) => `${whereOf(canary)}: ${line}`))).toEqual([])
    const metrics = await fetch(`${world.service.gatewayUrls[0]}/metrics`)
    expect(metrics.status).toBe(200)
    expect(strayIn(await metrics.text())).toEqual([])
  })

  test('a trace goes on, and its state is in no log', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: `rojo=${canaries.next()}` }
    const before = { functions: world.service.logs().length, gateway: world.service.gatewayLogs().length }
    await send('a trace', await prepareExample(world, 'GET /v1/auth/me'), { headers })
    await vi.waitFor(() => {
      const told = [
        ...world.service.logs().slice(before.functions),
        ...world.service.gatewayLogs().slice(before.gateway),
      ].filter((line) => line.includes(traceId))
      expect(told.length).toBeGreaterThanOrEqual(2)
      expect(told.flatMap((line) => strayIn(line))).toEqual([])
    }, patience)
  })

  test('metrics have none', async () => {
    const headers = { Authorization: `Bearer ${world.service.vars['METRICS_TOKEN']}` }
    const answer = await readAnswer(await world.send('nobody', 'GET', '/metrics', { headers }))
    expect(answer.status).toBe(200)
    expect(strayIn(answer.text)).toEqual([])
  })

  const whereOf = (canary: string) => sent.find((one) => one.canaries.includes(canary))?.where ?? 'nowhere'
})

/** Whether what a route was prepared for is still as it was: nothing was done, and no Idempotency-Key keeps the answer. */
function isAsBefore({ status }: Answer): boolean {
  return [400, 401, 413, 415, 422, 428].includes(status)
}

/** All places of strings in a JSON value. */
function stringsOf(value: unknown, place: Place = []): readonly Place[] {
  if (typeof value === 'string') return [place]
  if (typeof value !== 'object' || value === null) return []
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value)
  return entries.flatMap(([name, inner]) => stringsOf(inner, [...place, name]))
}

/** The text with a canary in the place of a string: as an email where that was one. */
function changedAt(text: string, place: Place, canary: string): string {
  const replace = (value: unknown, [name, ...rest]: Place): unknown => {
    if (name === undefined) return typeof value === 'string' && value.includes('@') ? `${canary}@example.com` : canary
    if (Array.isArray(value))
      return value.map((item, index) => (index === name ? replace(item, rest) : item) as unknown)
    const members = asRecord(value)
    return { ...members, [name]: replace(members[name], rest) }
  }
  return JSON.stringify(replace(JSON.parse(text), place))
}

const tables = [
  'users',
  'workflows',
  'workflow_versions',
  'workflow_shares',
  'executions',
  'settings',
  'sessions',
  'api_keys',
]

/** Makes the database refuse each row that is written: with a message that holds the row, where the database has one. */
async function refuseRows({ service, dialect }: World): Promise<void> {
  for (const table of tables) for (const statement of refusing(dialect, table)) await service.database.query(statement)
}

async function takeRows({ service, dialect }: World): Promise<void> {
  for (const table of tables) for (const statement of taking(dialect, table)) await service.database.query(statement)
}

const events = ['insert', 'update'] as const

function refusing(dialect: DialectName, table: string): readonly string[] {
  switch (dialect) {
    case 'postgres':
      return [`alter table ${table} add constraint refuses_rows check (false) not valid`]
    case 'mysql':
      return events.map(
        (event) =>
          `create trigger refuses_${event}_${table} before ${event} on ${table} for each row
           signal sqlstate '45000' set message_text = 'refused'`,
      )
    case 'sqlite':
      return events.map(
        (event) =>
          `create trigger refuses_${event}_${table} before ${event} on ${table} begin select raise(abort, 'refused'); end`,
      )
  }
}

function taking(dialect: DialectName, table: string): readonly string[] {
  if (dialect === 'postgres') return [`alter table ${table} drop constraint refuses_rows`]
  return events.map((event) => `drop trigger refuses_${event}_${table}`)
}
