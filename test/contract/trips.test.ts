import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { readAnswer, tripsOf } from './answers.ts'
import { documentedTrips, type Trips } from './documented-trips.ts'
import { prepareExample, sendPrepared } from './examples.ts'
import { startTripCounter, type TripCounter } from './trip-counter.ts'
import { password, startWorld, type Actor, type Workflow, type World } from './world.ts'

/** The same on every database. */
const one: Trips = { sqlite: 1, postgres: 1, mysql: 1 }
const none: Trips = { sqlite: 0, postgres: 0, mysql: 0 }

interface TripScenario {
  readonly name: string
  readonly as?: Actor
  readonly method?: string
  readonly path: string | ((fresh: Workflow) => string)
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  /** 1 for a read and 1 for a write; on MySQL a write takes 1 per statement and 2 for the transaction. */
  readonly trips: Trips
}

const fresh = ({ id }: Workflow) => `/v1/workflows/${id}`
const credentials = `{"username":"owner","password":"${password}"}`

const scenarios: readonly TripScenario[] = [
  { name: 'health', path: '/healthz', status: 200, trips: none },
  { name: 'readiness', path: '/readyz', status: 200, trips: one },
  { name: 'the document', path: '/openapi.json', status: 200, trips: none },
  { name: 'its page', path: '/docs', status: 200, trips: none },
  { name: 'an unknown path', path: '/v1/nothing', status: 404, trips: none },
  { name: 'a bad token', as: 'impostor', path: '/v1/auth/me', status: 401, trips: none },
  { name: 'me', path: '/v1/auth/me', status: 200, trips: one },
  { name: 'a workflow', path: fresh, status: 200, trips: one },
  { name: 'a shared workflow', as: 'viewer', path: fresh, status: 200, trips: one },
  {
    name: 'a workflow that is not modified',
    path: fresh,
    headers: { 'If-None-Match': '"1"' },
    status: 304,
    trips: one,
  },
  { name: 'a workflow that may not be seen', as: 'stranger', path: fresh, status: 404, trips: one },
  { name: 'a list', path: '/v1/workflows', status: 200, trips: one },
  { name: 'a list of what is public', as: 'nobody', path: '/v1/workflows?scope=public', status: 200, trips: one },
  { name: 'versions', path: (workflow) => `${fresh(workflow)}/versions`, status: 200, trips: one },
  { name: 'a version', path: (workflow) => `${fresh(workflow)}/versions/1`, status: 200, trips: one },
  {
    name: 'a creation',
    method: 'POST',
    path: '/v1/workflows',
    body: '{"name":"n","definition":{}}',
    status: 201,
    trips: documentedTrips['create a workflow, or up to 100 in one batch'],
  },
  {
    name: 'a creation under a key',
    method: 'POST',
    path: '/v1/workflows',
    body: '{"name":"n","definition":{}}',
    headers: { 'Idempotency-Key': 'k' },
    status: 201,
    trips: documentedTrips['the same with a key'],
  },
  {
    name: 'the same again',
    method: 'POST',
    path: '/v1/workflows',
    body: '{"name":"n","definition":{}}',
    headers: { 'Idempotency-Key': 'k' },
    status: 201,
    trips: { sqlite: 2, postgres: 2, mysql: 5 },
  },
  {
    name: 'a creation that is refused',
    method: 'POST',
    path: '/v1/workflows',
    body: '{"name":"","definition":{}}',
    status: 422,
    trips: one,
  },
  {
    name: 'a creation by a disabled user',
    as: 'disabled',
    method: 'POST',
    path: '/v1/workflows',
    body: '{"name":"n","definition":{}}',
    status: 403,
    trips: { sqlite: 2, postgres: 2, mysql: 4 },
  },
  {
    name: 'a change of the name',
    method: 'PATCH',
    path: fresh,
    body: '{"name":"m"}',
    headers: { 'If-Match': '"1"' },
    status: 200,
    trips: documentedTrips['change a workflow'],
  },
  {
    name: 'a change of the definition',
    method: 'PATCH',
    path: fresh,
    body: '{"definition":{"a":1}}',
    headers: { 'If-Match': '"1"' },
    status: 200,
    trips: documentedTrips['change its definition'],
  },
  {
    name: 'a stale change',
    method: 'PATCH',
    path: fresh,
    body: '{"definition":{"a":1}}',
    headers: { 'If-Match': '"7"' },
    status: 412,
    trips: { sqlite: 1, postgres: 1, mysql: 4 },
  },
  { name: 'a change without If-Match', method: 'PATCH', path: fresh, body: '{"name":"m"}', status: 428, trips: one },
  {
    name: 'a change that is forbidden',
    as: 'viewer',
    method: 'PATCH',
    path: fresh,
    body: '{"name":"m"}',
    headers: { 'If-Match': '"1"' },
    status: 403,
    trips: { sqlite: 1, postgres: 1, mysql: 4 },
  },
  {
    name: 'a deletion',
    method: 'DELETE',
    path: fresh,
    headers: { 'If-Match': '"1"' },
    status: 204,
    trips: documentedTrips['delete a workflow'],
  },
  {
    name: 'a stale deletion',
    method: 'DELETE',
    path: fresh,
    headers: { 'If-Match': '"7"' },
    status: 412,
    trips: { sqlite: 2, postgres: 2, mysql: 4 },
  },
  {
    name: 'a log-in',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/login',
    body: credentials,
    status: 200,
    trips: documentedTrips['log in'],
  },
  {
    name: 'a log-in with a wrong password',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/login',
    body: '{"username":"owner","password":"wrong horse"}',
    status: 401,
    trips: { sqlite: 1, postgres: 1, mysql: 4 },
  },
  {
    name: 'a log-in of nobody known',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/login',
    body: '{"username":"noone","password":"correct horse"}',
    status: 401,
    trips: { sqlite: 1, postgres: 1, mysql: 4 },
  },
  {
    name: 'a registration',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/register',
    body: '{"username":"new","email":"new@example.com","password":"correct horse"}',
    status: 201,
    trips: documentedTrips.register,
  },
  {
    name: 'a registration under a name that is taken',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/register',
    body: '{"username":"owner","email":"another@example.com","password":"correct horse"}',
    status: 409,
    trips: { sqlite: 1, postgres: 1, mysql: 4 },
  },
  {
    name: 'a refresh with an unknown token',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/refresh',
    body: '{"refreshToken":"x"}',
    status: 401,
    trips: one,
  },
  {
    name: 'a log-out of nobody known',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/logout',
    body: '{"refreshToken":"x"}',
    status: 204,
    trips: { sqlite: 1, postgres: 1, mysql: 4 },
  },
  { name: 'sessions', path: '/v1/auth/sessions', status: 200, trips: one },
  {
    name: 'the end of a session that is not there',
    method: 'DELETE',
    path: '/v1/auth/sessions/nothing',
    status: 404,
    trips: { sqlite: 2, postgres: 2, mysql: 4 },
  },
  {
    name: 'leaving with a wrong password',
    method: 'DELETE',
    path: '/v1/auth/me',
    body: '{"password":"wrong"}',
    status: 401,
    trips: { sqlite: 1, postgres: 1, mysql: 4 },
  },
  {
    name: 'an API key',
    method: 'POST',
    path: '/v1/api-keys',
    body: '{"name":"k","scopes":["read"]}',
    status: 201,
    trips: documentedTrips['create an API key'],
  },
  {
    name: 'an API key under an Idempotency-Key',
    method: 'POST',
    path: '/v1/api-keys',
    body: '{"name":"k","scopes":["read"]}',
    headers: { 'Idempotency-Key': 'an-api-key' },
    status: 201,
    trips: documentedTrips['create an API key with a key'],
  },
  { name: 'API keys', path: '/v1/api-keys', status: 200, trips: one },
  {
    name: 'a share',
    method: 'POST',
    path: (workflow) => `${fresh(workflow)}/shares`,
    body: '{"username":"stranger","permission":"view"}',
    status: 201,
    trips: documentedTrips['share a workflow'],
  },
  {
    name: 'a share under a key',
    method: 'POST',
    path: (workflow) => `${fresh(workflow)}/shares`,
    body: '{"username":"stranger","permission":"view"}',
    headers: { 'Idempotency-Key': 'a-share' },
    status: 201,
    trips: documentedTrips['share a workflow with a key'],
  },
  {
    name: 'a share that changes',
    method: 'POST',
    path: (workflow) => `${fresh(workflow)}/shares`,
    body: '{"username":"viewer","permission":"edit"}',
    status: 200,
    trips: documentedTrips['share a workflow'],
  },
  {
    name: 'a share with nobody known',
    method: 'POST',
    path: (workflow) => `${fresh(workflow)}/shares`,
    body: '{"username":"noone","permission":"view"}',
    status: 422,
    trips: { sqlite: 2, postgres: 2, mysql: 8 },
  },
  { name: 'shares', path: (workflow) => `${fresh(workflow)}/shares`, status: 200, trips: one },
  {
    name: 'a share taken away that is not there',
    method: 'DELETE',
    path: (workflow) => `${fresh(workflow)}/shares/nobody`,
    status: 404,
    trips: { sqlite: 2, postgres: 2, mysql: 4 },
  },
  { name: 'settings', path: '/v1/settings', status: 200, trips: one },
  {
    name: 'settings that are replaced',
    method: 'PUT',
    path: '/v1/settings',
    body: '{"data":{"a":{"$secret":"of the owner"}}}',
    status: 200,
    trips: documentedTrips['replace the settings'],
  },
  {
    name: 'settings that are replaced, of another revision',
    method: 'PUT',
    path: '/v1/settings',
    body: '{"data":{}}',
    headers: { 'If-Match': '"7"' },
    status: 412,
    trips: one,
  },
  {
    name: 'settings with an unknown ref',
    method: 'PUT',
    path: '/v1/settings',
    body: '{"data":{"a":{"$secret":{"ref":"unknown"}}}}',
    status: 422,
    trips: one,
  },
  {
    name: 'settings that are merged',
    method: 'PATCH',
    path: '/v1/settings',
    body: '{"b":1}',
    status: 200,
    trips: documentedTrips['merge into the settings'],
  },
  {
    name: 'settings that are merged, of another revision',
    method: 'PATCH',
    path: '/v1/settings',
    body: '{"b":1}',
    headers: { 'If-Match': '"7"' },
    status: 412,
    trips: one,
  },
  {
    name: 'settings that are refused',
    method: 'PATCH',
    path: '/v1/settings',
    body: '{"a":{"$secret":1}}',
    status: 422,
    trips: one,
  },
  {
    name: 'a secret that is revealed',
    method: 'POST',
    path: '/v1/settings/reveal',
    body: '{"pointer":"/a"}',
    status: 200,
    trips: documentedTrips['reveal a secret'],
  },
  { name: 'backups', as: 'admin', path: '/v1/admin/backups', status: 200, trips: one },
  { name: 'a backup that is not there', as: 'admin', path: '/v1/admin/backups/latest', status: 404, trips: one },
  { name: 'users', as: 'admin', path: '/v1/admin/users', status: 200, trips: one },
  { name: 'users, for who is no administrator', path: '/v1/admin/users', status: 403, trips: one },
  {
    name: 'a registration that is refused',
    as: 'nobody',
    method: 'POST',
    path: '/v1/auth/register',
    body: '{}',
    status: 422,
    trips: none,
  },
]

describeDialects((dialect) => {
  let counter: TripCounter
  let world: World

  beforeAll(async () => {
    counter = await startTripCounter()
    world = await startWorld(dialect, { DATABASE_GATEWAY_URL: counter.url }, ({ gatewayUrls }) => {
      counter.leadTo(gatewayUrls[0] ?? '')
    })
  })
  afterAll(async () => {
    await world.stop()
    await counter.stop()
  })

  for (const { name, as: actor = 'owner', method = 'GET', path, body, headers, status, trips } of scenarios) {
    test(`${name} takes ${trips[dialect]}`, async () => {
      const workflow = await world.workflow()
      counter.take()
      const asked = typeof path === 'string' ? path : path(workflow)
      const answer = await readAnswer(await world.send(actor, method, asked, { body, headers }))
      const passed = counter.take()
      expect({ status: answer.status, told: tripsOf(answer), passed }).toEqual({
        status,
        told: trips[dialect],
        passed: trips[dialect],
      })
    })
  }

  test('a backup that is asked for, while one is taken, takes its trips', async () => {
    const isTrue = dialect === 'postgres' ? 'true' : '1'
    const at = dialect === 'sqlite' ? '1769851800000' : "'2026-01-31 09:30:00'"
    await world.service.database.query(
      `insert into backups (name, is_encrypted, result, created_at) values ('2026-01-31T093000Z', ${isTrue}, 'running', ${at})`,
    )
    counter.take()
    const answer = await readAnswer(await world.send('admin', 'POST', '/v1/admin/backups'))
    const trips = documentedTrips['request a backup while one is running'][dialect]
    const passed = counter.take()
    await world.service.database.query(`delete from backups where name = '2026-01-31T093000Z'`)
    expect({ status: answer.status, told: tripsOf(answer), passed }).toEqual({
      status: 202,
      told: trips,
      passed: trips,
    })
  })

  test.each<{ name: string; route: string; isAnonymous?: true; trips: Trips }>([
    { name: 'a backup that is fetched', route: 'GET /v1/admin/backups/{name}', trips: one },
    {
      name: 'the end of a session',
      route: 'DELETE /v1/auth/sessions/{id}',
      trips: documentedTrips['remove a share, end a session, delete an API key'],
    },
    {
      name: 'the end of an API key',
      route: 'DELETE /v1/api-keys/{id}',
      trips: documentedTrips['remove a share, end a session, delete an API key'],
    },
    {
      name: 'a reset of a password',
      route: 'POST /v1/auth/reset',
      isAnonymous: true,
      trips: documentedTrips['reset the password'],
    },
    {
      name: 'a reset of a password with a token, which has to count,',
      route: 'POST /v1/auth/reset',
      trips: { sqlite: 3, postgres: 3, mysql: 14 },
    },
    { name: 'a step', route: 'GET /v1/executions/{id}/steps/{key}', trips: one },
    { name: 'a list of schedules', route: 'GET /v1/workflows/{id}/schedules', trips: one },
    {
      name: 'a new schedule under a key',
      route: 'POST /v1/workflows/{id}/schedules',
      trips: documentedTrips['create a schedule with a key'],
    },
    { name: 'a schedule', route: 'GET /v1/schedules/{id}', trips: one },
    {
      name: 'a change of a schedule',
      route: 'PATCH /v1/schedules/{id}',
      trips: documentedTrips['change or delete a schedule'],
    },
    {
      name: 'the end of a schedule',
      route: 'DELETE /v1/schedules/{id}',
      trips: documentedTrips['change or delete a schedule'],
    },
    { name: 'the audit', route: 'GET /v1/audit', trips: one },
  ])('$name takes its trips', async ({ route, isAnonymous = false, trips }) => {
    const prepared = await prepareExample(world, route)
    counter.take()
    const { method, path, ...sent } = prepared
    const answer = await readAnswer(
      isAnonymous ? await world.send('nobody', method, path, sent) : await sendPrepared(world, prepared),
    )
    const passed = counter.take()
    expect({ status: answer.status, told: tripsOf(answer), passed }).toEqual({
      status: prepared.status,
      told: trips[dialect],
      passed: trips[dialect],
    })
  })
})
