import { routes } from '@millrace/api/app'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, readAnswer, type Answer } from './answers.ts'
import { bodyOf } from './members.ts'
import { digestTables } from './table-digests.ts'
import { password, startWorld, type Actor, type WorkflowOptions, type World } from './world.ts'

/**
 * Who may do what, for each route of the app's own table. Columns: who calls with a token, then with an API key. The
 * keys of one scope are the owner's, `admin` the administrator's.
 */
const callers = [
  ...['nobody', 'impostor', 'disabled', 'stranger', 'viewer', 'executor', 'editor', 'owner', 'admin'],
  ...['key:read', 'key:write', 'key:worker', 'key:secrets', 'key:admin'],
] as const
type CallerName = (typeof callers)[number]

/** How a route refuses, by letter; `+` is what it answers to whoever may. */
const refusals: Readonly<Record<string, string>> = {
  U: 'unauthenticated',
  D: 'account_disabled',
  N: 'not_found',
  F: 'forbidden',
  S: 'scope_missing',
}

/** What a route is called with: things of the owner's, shared with viewer, executor and editor. */
interface Things {
  readonly workflow: string
  readonly execution: string
  readonly schedule: string
  /** An execution that is claimed, with the fence 1, and one that has ended. */
  readonly claimed: string
  readonly ended: string
  /** A session and an API key of the owner's. */
  readonly session: string
  readonly key: string
  readonly users: World['users']
}

interface Entry {
  /** One letter a caller, in their order; a blank and a bar between tokens and keys. */
  readonly who: string
  /** A status or, where the call is made so that it changes nothing, the code of the refusal that follows. */
  readonly allowed: number | string
  readonly path?: (things: Things) => string
  readonly body?: (things: Things) => object
  readonly headers?: Readonly<Record<string, string>>
  /** The call of those who are refused, where the other one would change nothing of whoever makes it. */
  readonly effective?: Pick<Entry, 'path' | 'body'>
  /** What the call changes: made anew for each caller that may. */
  readonly spends?: 'workflow' | 'execution'
}

const everyone = '+++++++++ | +++++'
const everyoneButBadTokens = '+UD++++++ | +++++'
const whoever = 'UUD++++++ | ++SSS'
const whoeverWrites = 'UUD++++++ | S+SSS'
const whoeverHimself = 'UUD++++++ | SSSSS'
const administrators = 'UUDFFFFF+ | SSSS+'
const viewers = 'UUDN+++++ | ++SSS'
const executors = 'UUDNF++++ | S+SSS'
const editors = 'UUDNFF+++ | S+SSS'
const readers = 'UUDN+++++ | ++SSS'
const owners = 'UUDNFFF++ | S+SSS'
const ownersRead = 'UUDNFFF++ | ++SSS'
const workers = 'UUDNFFF++ | SS+SS'

const workflow = ({ workflow: id }: Things) => `/v1/workflows/${id}`
const execution = ({ execution: id }: Things) => `/v1/executions/${id}`
const schedule = ({ schedule: id }: Things) => `/v1/schedules/${id}`
const always = { 'If-Match': '*' }

const matrix: Readonly<Record<string, Entry>> = {
  'GET /': { who: everyone, allowed: 200 },
  'GET /healthz': { who: everyone, allowed: 200 },
  'GET /readyz': { who: everyone, allowed: 200 },
  'GET /openapi.json': { who: everyone, allowed: 200 },
  'GET /docs': { who: everyone, allowed: 200 },
  'GET /docs/{file}': { who: 'NNNNNNNNN | NNNNN', allowed: 200, path: () => '/docs/nothing' },
  'GET /metrics': { who: 'UUUUUUUUU | UUUUU', allowed: 200 },

  'POST /v1/auth/register': { who: everyone, allowed: 'validation_failed', body: () => ({}) },
  'POST /v1/auth/login': {
    who: everyone,
    allowed: 'invalid_credentials',
    body: () => ({ username: 'x', password: 'y' }),
  },
  'POST /v1/auth/refresh': { who: everyone, allowed: 'unauthenticated', body: () => ({ refreshToken: 'x' }) },
  'POST /v1/auth/logout': { who: everyone, allowed: 204, body: () => ({ refreshToken: 'x' }) },
  'GET /v1/auth/me': { who: whoever, allowed: 200 },
  'DELETE /v1/auth/me': {
    who: whoeverHimself,
    allowed: 'invalid_credentials',
    body: () => ({ password: 'wrong' }),
    effective: { body: () => ({ password }) },
  },
  'GET /v1/auth/sessions': { who: whoever, allowed: 200 },
  'DELETE /v1/auth/sessions/{id}': {
    who: 'UUDNNNNNN | SSSSS',
    allowed: 204,
    path: () => '/v1/auth/sessions/of-another',
  },
  'POST /v1/auth/password': {
    who: whoeverHimself,
    allowed: 'invalid_credentials',
    body: () => ({ currentPassword: 'wrong', newPassword: 'another horse' }),
    effective: { body: () => ({ currentPassword: password, newPassword: 'another horse', endApiKeys: true }) },
  },
  'POST /v1/auth/recover': {
    who: everyoneButBadTokens,
    allowed: 202,
    body: () => ({ email: 'nobody@example.com' }),
  },
  'POST /v1/auth/reset': {
    who: everyoneButBadTokens,
    allowed: 'invalid_credentials',
    body: () => ({ token: 'x', newPassword: 'another horse' }),
  },
  'POST /v1/api-keys': { who: whoeverWrites, allowed: 201, body: () => ({ name: 'x', scopes: ['write'] }) },
  'GET /v1/api-keys': { who: whoever, allowed: 200 },
  'DELETE /v1/api-keys/{id}': { who: 'UUDNNNNNN | SNSSS', allowed: 204, path: () => '/v1/api-keys/of-another' },

  'POST /v1/workflows': { who: whoeverWrites, allowed: 201, body: () => ({ name: 'x', definition: {} }) },
  'POST /v1/workflows/batch': {
    who: whoeverWrites,
    allowed: 201,
    body: () => ({ items: [{ name: 'x', definition: {} }] }),
  },
  'GET /v1/workflows': { who: whoever, allowed: 200 },
  'GET /v1/workflows/{id}': { who: viewers, allowed: 200, path: workflow },
  'PATCH /v1/workflows/{id}': {
    who: editors,
    allowed: 200,
    path: workflow,
    headers: always,
    body: () => ({ name: 'changed' }),
    spends: 'workflow',
  },
  'DELETE /v1/workflows/{id}': { who: owners, allowed: 204, path: workflow, headers: always, spends: 'workflow' },
  'POST /v1/workflows/{id}/transfer': {
    who: owners,
    allowed: 200,
    path: (things) => `${workflow(things)}/transfer`,
    headers: always,
    body: () => ({ username: 'stranger' }),
    spends: 'workflow',
  },
  'GET /v1/workflows/{id}/versions': { who: viewers, allowed: 200, path: (things) => `${workflow(things)}/versions` },
  'GET /v1/workflows/{id}/versions/{n}': {
    who: viewers,
    allowed: 200,
    path: (things) => `${workflow(things)}/versions/1`,
  },
  'POST /v1/workflows/{id}/versions/{n}/restore': {
    who: editors,
    allowed: 200,
    path: (things) => `${workflow(things)}/versions/1/restore`,
    headers: always,
    body: () => ({}),
    spends: 'workflow',
  },
  'GET /v1/workflows/{id}/versions/{a}/diff/{b}': {
    who: viewers,
    allowed: 200,
    path: (things) => `${workflow(things)}/versions/1/diff/1`,
  },
  'GET /v1/workflows/{id}/shares': { who: ownersRead, allowed: 200, path: (things) => `${workflow(things)}/shares` },
  'POST /v1/workflows/{id}/shares': {
    who: owners,
    allowed: 201,
    path: (things) => `${workflow(things)}/shares`,
    body: () => ({ username: 'stranger', permission: 'view' }),
    spends: 'workflow',
  },
  'DELETE /v1/workflows/{id}/shares/{userId}': {
    who: 'UUDNF+F++ | S+SSS',
    allowed: 204,
    path: (things) => `${workflow(things)}/shares/${things.users.executor.id}`,
    spends: 'workflow',
  },

  'POST /v1/workflows/{id}/executions': {
    who: executors,
    allowed: 201,
    path: (things) => `${workflow(things)}/executions`,
    body: () => ({}),
    spends: 'workflow',
  },
  'GET /v1/executions': { who: whoever, allowed: 200 },
  'GET /v1/executions/{id}': { who: 'UUDN+++++ | ++SSS', allowed: 200, path: execution },
  'POST /v1/executions/claim': {
    who: 'UUD++++++ | SS+SS',
    allowed: 200,
    body: () => ({ worker: 'w', workflowIds: ['nothing'] }),
    effective: { body: () => ({ worker: 'w', limit: 50 }) },
  },
  'POST /v1/executions/{id}/heartbeat': {
    who: workers,
    allowed: 'invalid_transition',
    path: (things) => `${execution(things)}/heartbeat`,
    body: () => ({ fence: 0 }),
    effective: { path: ({ claimed }) => `/v1/executions/${claimed}/heartbeat`, body: () => ({ fence: 1 }) },
  },
  'PATCH /v1/executions/{id}': {
    who: workers,
    allowed: 'invalid_transition',
    path: execution,
    body: () => ({ fence: 0, status: 'completed' }),
    effective: { path: ({ claimed }) => `/v1/executions/${claimed}`, body: () => ({ fence: 1, status: 'completed' }) },
  },
  'POST /v1/executions/{id}/cancel': {
    who: executors,
    allowed: 200,
    path: (things) => `${execution(things)}/cancel`,
    spends: 'execution',
  },
  'POST /v1/executions/{id}/resume': {
    who: executors,
    allowed: 'invalid_transition',
    path: (things) => `${execution(things)}/resume`,
  },
  'POST /v1/executions/{id}/retry': {
    who: executors,
    allowed: 'invalid_transition',
    path: (things) => `${execution(things)}/retry`,
    effective: { path: ({ ended }) => `/v1/executions/${ended}/retry` },
  },

  'DELETE /v1/executions/{id}': {
    who: owners,
    allowed: 'execution_active',
    path: execution,
    effective: { path: ({ ended }) => `/v1/executions/${ended}` },
  },
  'POST /v1/executions/{id}/steps': {
    who: workers,
    allowed: 'invalid_transition',
    path: (things) => `${execution(things)}/steps`,
    body: () => ({ fence: 0, steps: [{ key: 'a', output: 1 }] }),
    effective: {
      path: ({ claimed }) => `/v1/executions/${claimed}/steps`,
      body: () => ({ fence: 1, steps: [{ key: 'a', output: 1 }] }),
    },
  },
  'GET /v1/executions/{id}/steps': { who: readers, allowed: 200, path: (things) => `${execution(things)}/steps` },
  'GET /v1/executions/{id}/steps/{key}': {
    who: 'UUDNNNNNN | NNSSS',
    allowed: 200,
    path: (things) => `${execution(things)}/steps/nothing`,
  },
  'GET /v1/executions/{id}/history': { who: readers, allowed: 200, path: (things) => `${execution(things)}/history` },
  'POST /v1/executions/{id}/signals': {
    who: executors,
    allowed: 202,
    path: (things) => `${execution(things)}/signals`,
    body: () => ({ name: 'go' }),
    spends: 'execution',
  },
  'GET /v1/executions/{id}/signals': { who: readers, allowed: 200, path: (things) => `${execution(things)}/signals` },
  'GET /v1/executions/{id}/events': {
    who: readers,
    allowed: 200,
    path: ({ ended }) => `/v1/executions/${ended}/events`,
  },

  'GET /v1/workflows/{id}/schedules': { who: viewers, allowed: 200, path: (things) => `${workflow(things)}/schedules` },
  'POST /v1/workflows/{id}/schedules': {
    who: editors,
    allowed: 201,
    path: (things) => `${workflow(things)}/schedules`,
    body: () => ({ name: 'x', cron: '@daily' }),
    spends: 'workflow',
  },
  'GET /v1/schedules/{id}': { who: viewers, allowed: 200, path: schedule },
  'PATCH /v1/schedules/{id}': {
    who: editors,
    allowed: 200,
    path: schedule,
    headers: always,
    body: () => ({ name: 'changed' }),
    spends: 'workflow',
  },
  'DELETE /v1/schedules/{id}': { who: editors, allowed: 204, path: schedule, headers: always, spends: 'workflow' },

  'GET /v1/audit': { who: whoever, allowed: 200 },

  'GET /v1/settings': { who: whoever, allowed: 200 },
  'PUT /v1/settings': { who: whoeverWrites, allowed: 200, body: () => ({ data: {} }) },
  'PATCH /v1/settings': { who: whoeverWrites, allowed: 200, body: () => ({ a: 1 }) },
  'POST /v1/settings/reveal': {
    who: 'UUD++++++ | SSS+S',
    allowed: 'validation_failed',
    body: () => ({ pointer: 'no pointer' }),
  },

  'GET /v1/admin/status': { who: administrators, allowed: 200 },
  'GET /v1/admin/users': { who: administrators, allowed: 200 },
  'PATCH /v1/admin/users/{id}': {
    who: administrators,
    allowed: 200,
    path: ({ users }) => `/v1/admin/users/${users.stranger.id}`,
    body: () => ({ role: 'user' }),
    effective: { body: () => ({ role: 'admin', disabled: true }) },
  },
  'GET /v1/admin/backups': { who: administrators, allowed: 200 },
  'POST /v1/admin/backups': {
    who: administrators,
    allowed: 'validation_failed',
    body: () => ({ nothing: 1 }),
    effective: { body: () => ({}) },
  },
  'GET /v1/admin/backups/{name}': { who: 'UUDFFFFFN | SSSSN', allowed: 200, path: () => '/v1/admin/backups/nothing' },
}

/** The same for what anyone may read: who is refused is only who is known not to count, or comes with too narrow a key. */
const publicReads: Readonly<Record<string, (things: Things) => string>> = {
  'the workflow': workflow,
  'its versions': (things) => `${workflow(things)}/versions`,
  'a version': (things) => `${workflow(things)}/versions/1`,
  'a difference': (things) => `${workflow(things)}/versions/1/diff/1`,
  'the list of what is public': () => '/v1/workflows?scope=public',
}
const publicReaders = '+UD++++++ | ++SSS'
const publicOwners = 'UUDFFFF++ | ++SSS'

function outcomesOf({ who, allowed }: Pick<Entry, 'who' | 'allowed'>): Readonly<Record<CallerName, number | string>> {
  const letters = who.replaceAll(/[ |]/g, '')
  const outcomes = callers.map((caller, position) => [caller, refusals[letters[position] ?? ''] ?? allowed] as const)
  return Object.fromEntries(outcomes) as Readonly<Record<CallerName, number | string>>
}

const isUnguarded = ({ access, path }: (typeof routes)[number]) =>
  (access.kind === 'open' && access.checksToken !== true) || access.kind === 'metrics' || !path.startsWith('/v1/')

/** Routes of which a caller who does not count has nothing. */
const guarded = routes
  .filter((route) => !isUnguarded(route))
  .map(({ method, path }) => `${method} ${path}`)
  .filter((name) => matrix[name] !== undefined)

/** How somebody who could do everything counts no more. */
interface Fall {
  readonly refusal: string
  readonly token: (world: World, actor: 'owner' | 'admin') => Promise<string>
  /** What is set in the user's row, by hand. */
  readonly sets?: string
}

const ownToken: Fall['token'] = (world, actor) => Promise.resolve(world.users[actor].token)
const latestEnd = '(select latest from (select max(expires_at) as latest from sessions) ends)'
const refresh = '/v1/auth/refresh'

const falls: Readonly<Record<string, Fall>> = {
  'a disabled account': { refusal: 'account_disabled', token: ownToken, sets: 'disabled_at = created_at' },
  'a token from before those that count': {
    refusal: 'unauthenticated',
    token: ownToken,
    sets: `tokens_valid_from = ${latestEnd}`,
  },
  'a session that was logged out of': {
    refusal: 'unauthenticated',
    token: (world, actor) => tokenOfEnded(world, actor, ['/v1/auth/logout']),
  },
  'a session that ended by the reuse of a token': {
    refusal: 'unauthenticated',
    token: (world, actor) => tokenOfEnded(world, actor, [refresh, refresh]),
  },
  'a deleted key': { refusal: 'unauthenticated', token: deletedKey },
}

/** Those that serve anyone, and read the database to do so. */
const open = ['POST /v1/auth/login', 'POST /v1/auth/refresh', 'POST /v1/auth/logout']

/** Sound requests of those whose entry in the matrix is refused for what it holds, or is about another's. */
const filled: Readonly<Record<string, Pick<Entry, 'path' | 'body'>>> = {
  'POST /v1/settings/reveal': { body: () => ({ pointer: '' }) },
  'DELETE /v1/auth/sessions/{id}': { path: ({ session }) => `/v1/auth/sessions/${session}` },
  'DELETE /v1/api-keys/{id}': { path: ({ key }) => `/v1/api-keys/${key}` },
}

const names = routes.map(({ method, path }) => `${method} ${path}`)

describe('the matrix', () => {
  test('has an entry for each route of the app', () => {
    expect(names.filter((name) => matrix[name] === undefined)).toEqual([])
  })

  test.each(Object.entries(matrix))('%s says of each caller', (_name, { who }) => {
    expect(who.replaceAll(/[ |]/g, '')).toMatch(/^[+UDNFS]{14}$/)
  })
})

describeDialectsByTest((dialect) => {
  let world: World
  let keys: Readonly<Record<string, string>>
  let standing: Things
  beforeAll(async () => {
    world = await startWorld(dialect)
    keys = await makeKeys(world)
    standing = await standingThings(world)
  })
  afterAll(() => world.stop())

  test.each(names.filter((name) => matrix[name] !== undefined))('%s', async (name) => {
    const entry = matrix[name]
    if (entry === undefined) throw new Error('has no entry')
    const expected = outcomesOf(entry)
    const found: Partial<Record<CallerName, number | string>> = {}
    const { database } = world.service
    const before = await digestTables(database)
    for (const caller of callers.filter((one) => expected[one] !== entry.allowed)) {
      found[caller] = outcomeOf(await attempt(caller, name, { ...entry, ...entry.effective }, standing), entry.allowed)
    }
    expect(await digestTables(database)).toEqual(before)
    for (const caller of callers.filter((one) => expected[one] === entry.allowed)) {
      const things = entry.spends === undefined ? standing : await spent(entry)
      found[caller] = outcomeOf(await attempt(caller, name, entry, things), entry.allowed)
    }
    expect(found).toEqual(expected)
    // Reads change nothing whoever is let in.
    if (name.startsWith('GET ')) expect(await digestTables(database)).toEqual(before)
  })

  const fallen = Object.entries(falls).flatMap(([way, fall]) =>
    (['owner', 'admin'] as const).map((actor) => ({ actor, way, fall })),
  )

  test.each(fallen)('the $actor with $way is refused everywhere, and changes nothing', async ({ actor, fall }) => {
    const { database } = world.service
    const token = await fall.token(world, actor)
    const { id } = world.users[actor]
    if (fall.sets !== undefined) await database.query(`update users set ${fall.sets} where id = '${id}'`)
    try {
      const before = await digestTables(database)
      const wrong: unknown[] = []
      for (const name of guarded) {
        const outcome = outcomeOf(await attemptWith(token, name), 'nothing')
        if (outcome !== fall.refusal) wrong.push([name, outcome])
      }
      expect(wrong).toEqual([])
      expect(await digestTables(database)).toEqual(before)
    } finally {
      await database.query(`update users set disabled_at = null, tokens_valid_from = created_at where id = '${id}'`)
    }
  })

  test('while a restore is under way everyone is refused everywhere, and nothing changes', async () => {
    const { database } = world.service
    await database.query("update marks set value = 'an archive' where name = 'restore'")
    try {
      const before = await digestTables(database)
      const wrong: unknown[] = []
      for (const name of [...guarded, ...open]) {
        for (const actor of ['owner', 'admin'] as const) {
          const outcome = outcomeOf(await attemptWith(world.users[actor].token, name), 'nothing')
          if (outcome !== 'restore_in_progress') wrong.push([name, actor, outcome])
        }
      }
      expect(wrong).toEqual([])
      expect(await digestTables(database)).toEqual(before)
    } finally {
      await database.query("update marks set value = null where name = 'restore'")
    }
  })

  function attemptWith(token: string, name: string): Promise<Answer> {
    const entry = matrix[name]
    if (entry === undefined) throw new Error(`${name} has no entry`)
    return attemptBy(
      { Authorization: `Bearer ${token}` },
      name,
      { ...entry, ...entry.effective, ...filled[name] },
      standing,
    )
  }

  const spent = ({ spends }: Entry) => (spends === 'execution' ? freshExecution(world, standing) : freshWorkflow(world))

  test('what was refused has changed nothing', async () => {
    const { workflow: id } = standing
    const answer = await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${id}`))
    expect(bodyOf(answer, 200)).toMatchObject({ name: 'a workflow', revision: 1, isPublic: false })
    const shares = await world.service.database.query(
      `select permission from workflow_shares where workflow_id = '${id}' order by permission`,
    )
    expect(shares.map(({ permission }) => permission)).toEqual(['edit', 'execute', 'view'])
  })

  test.each(Object.entries(publicReads))('anyone reads %s of a public workflow', async (_name, path) => {
    const open = await world.workflow({ isPublic: true })
    const things = { ...standing, workflow: open.id }
    const entry = { who: publicReaders, allowed: 200, path }
    const found: Partial<Record<CallerName, number | string>> = {}
    for (const caller of callers) found[caller] = outcomeOf(await attempt(caller, 'GET ', entry, things), 200)
    expect(found).toEqual(outcomesOf(entry))
  })

  test('but not its shares', async () => {
    const open = await world.workflow({ isPublic: true })
    const things = { ...standing, workflow: open.id }
    const entry = { who: publicOwners, allowed: 200, path: (of: Things) => `${workflow(of)}/shares` }
    const found: Partial<Record<CallerName, number | string>> = {}
    for (const caller of callers) found[caller] = outcomeOf(await attempt(caller, 'GET ', entry, things), 200)
    expect(found).toEqual(outcomesOf(entry))
  })

  test('nor its schedules', async () => {
    const things = await freshWorkflow(world, { isPublic: true })
    const found = async (entry: Entry) => {
      const outcomes: Partial<Record<CallerName, number | string>> = {}
      for (const caller of callers) outcomes[caller] = outcomeOf(await attempt(caller, 'GET ', entry, things), 200)
      return outcomes
    }
    // The workflow is seen by all; a schedule by none to whom it is not shared.
    const list = { who: 'UUDF+++++ | ++SSS', allowed: 200, path: (of: Things) => `${workflow(of)}/schedules` }
    expect(await found(list)).toEqual(outcomesOf(list))
    const badCursor = { ...list, allowed: 'invalid_cursor', path: (of: Things) => `${workflow(of)}/schedules?cursor=x` }
    expect(await found(badCursor)).toEqual(outcomesOf(badCursor))
    const one = { who: viewers, allowed: 200, path: schedule }
    expect(await found(one)).toEqual(outcomesOf(one))
  })

  async function attemptBy(
    authorization: Readonly<Record<string, string>>,
    name: string,
    entry: Pick<Entry, 'path' | 'body' | 'headers'>,
    things: Things,
    actor: Actor = 'nobody',
  ): Promise<Answer> {
    const [method = '', pattern = ''] = name.split(' ')
    const path = entry.path?.(things) ?? pattern
    const body = entry.body === undefined ? undefined : JSON.stringify(entry.body(things))
    return readAnswer(await world.send(actor, method, path, { headers: { ...entry.headers, ...authorization }, body }))
  }

  function attempt(caller: CallerName, name: string, entry: Entry, things: Things): Promise<Answer> {
    const key = keys[caller]
    const authorization = key === undefined ? {} : { Authorization: `Bearer ${key}` }
    return attemptBy(authorization, name, entry, things, key === undefined ? (caller as Actor) : 'nobody')
  }
})

async function tokenOfEnded(world: World, actor: 'owner' | 'admin', ends: readonly string[]): Promise<string> {
  const credentials = JSON.stringify({ username: actor, password })
  const login = await readAnswer(await world.send('nobody', 'POST', '/v1/auth/login', { body: credentials }))
  const { accessToken, refreshToken } = bodyOf(login, 200)
  for (const path of ends) await world.send('nobody', 'POST', path, { body: JSON.stringify({ refreshToken }) })
  return String(accessToken)
}

async function deletedKey(world: World, actor: 'owner' | 'admin'): Promise<string> {
  const scopes = ['read', 'write', 'worker', 'secrets', ...(actor === 'admin' ? ['admin'] : [])]
  const body = JSON.stringify({ name: 'gone', scopes })
  const { id, key } = bodyOf(await readAnswer(await world.send(actor, 'POST', '/v1/api-keys', { body })), 201)
  await world.send(actor, 'DELETE', `/v1/api-keys/${String(id)}`)
  return String(key)
}

/** The code of a refusal, else the status: what stands in the matrix. */
function outcomeOf({ status, json, text }: Answer, allowed: number | string): number | string {
  if (status < 400 || typeof json !== 'object' || json === null)
    return status === allowed ? allowed : `${status} ${text}`
  return String(asRecord(json)['code'])
}

async function makeKeys(world: World): Promise<Readonly<Record<string, string>>> {
  const keys: Record<string, string> = {}
  for (const scope of ['read', 'write', 'worker', 'secrets', 'admin']) {
    const body = JSON.stringify({ name: scope, scopes: [scope] })
    const answer = await readAnswer(
      await world.send(scope === 'admin' ? 'admin' : 'owner', 'POST', '/v1/api-keys', { body }),
    )
    keys[`key:${scope}`] = String(bodyOf(answer, 201)['key'])
  }
  return keys
}

async function freshWorkflow(world: World, options: WorkflowOptions = {}): Promise<Things> {
  const { id } = await world.workflow(options)
  const body = JSON.stringify({ name: 'a schedule', cron: '0 0 1 1 *' })
  const answer = await readAnswer(await world.send('owner', 'POST', `/v1/workflows/${id}/schedules`, { body }))
  const schedule = String(bodyOf(answer, 201)['id'])
  return {
    workflow: id,
    execution: 'none',
    claimed: 'none',
    ended: 'none',
    session: 'none',
    key: 'none',
    schedule,
    users: world.users,
  }
}

/** What those who are refused would change: an execution to claim, one that is claimed, and one that has ended. */
async function standingThings(world: World): Promise<Things> {
  const things = await freshWorkflow(world)
  const { execution: claimed } = await freshExecution(world, things)
  const body = JSON.stringify({ worker: 'w', workflowIds: [things.workflow], leaseSeconds: 3600 })
  bodyOf(await readAnswer(await world.send('owner', 'POST', '/v1/executions/claim', { body })), 200)
  const { execution: ended } = await freshExecution(world, things)
  bodyOf(await readAnswer(await world.send('owner', 'POST', `/v1/executions/${ended}/cancel`)), 200)
  const [session, key] = [await newestOf(world, '/v1/auth/sessions'), await newestOf(world, '/v1/api-keys')]
  return freshExecution(world, { ...things, claimed, ended, session, key })
}

async function newestOf(world: World, list: string): Promise<string> {
  const { items } = bodyOf(await readAnswer(await world.send('owner', 'GET', list)), 200)
  const [newest] = Array.isArray(items) ? items : []
  return String(asRecord(newest)['id'])
}

async function freshExecution(world: World, things: Things): Promise<Things> {
  const path = `/v1/workflows/${things.workflow}/executions`
  const answer = await readAnswer(await world.send('owner', 'POST', path, { body: '{}' }))
  return { ...things, execution: String(bodyOf(answer, 201)['id']) }
}
