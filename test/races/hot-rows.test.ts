import { afterAll, beforeAll, expect, test } from 'vitest'
import { asRecord, readAnswer, tripsOf, type Answer } from '../contract/answers.ts'
import { countRows, password, startWorld, type World } from '../contract/world.ts'
import { describeDialectsByTest } from '../dialects.ts'

/*
 * Fifty writes at once that all meet in one row, which is as many as the API promises no 5xx for. They may wait for each
 * other and lose races that the contract knows, and no more than that.
 */

const atOnce = 50
const sharesAnHour = 80
/** Trips of a share that meets no other. */
const lone = { sqlite: 1, postgres: 1, mysql: 6 }
/** Of one that finds the settings changed since it has read them, and reads no more; where a first row is made, twice. */
const longestReplacement = { sqlite: 1, postgres: 1, mysql: 20 }
const force = { 'If-Match': '*' }

describeDialectsByTest((dialect) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(dialect, {
      RATE_LIMITS: `registrations=1000,login_name_network=1000,login_name=1000,login_network=1000,shares=${sharesAnHour}`,
    })
  })
  afterAll(() => world.stop())

  const numbers = Array.from({ length: atOnce }, (_none, number) => number)

  /** Sends all at once, each with its number. */
  function send(requestOf: (number: number) => Sent): Promise<readonly Answer[]> {
    return Promise.all(
      numbers.map(async (number) => {
        const { actor = 'owner', method, path, body, headers } = requestOf(number)
        return readAnswer(await world.send(actor, method, path, { body: JSON.stringify(body), headers }))
      }),
    )
  }

  const workflows = async (): Promise<readonly string[]> => {
    const made: string[] = []
    while (made.length < atOnce) made.push((await world.workflow({ isShared: false })).id)
    return made
  }

  test('shares of many workflows by one user are all made, until its limit of the hour is reached', async () => {
    const ids = await workflows()
    const shareWith = (username: string) =>
      send((number) => post(`/v1/workflows/${ids[number]}/shares`, { username, permission: 'view' }))
    const first = await shareWith('viewer')
    expect(countsOf(first)).toEqual({ 201: atOnce })
    expect(await countRows(world, 'workflow_shares')).toBe(atOnce)
    const beyond = 2 * atOnce - sharesAnHour
    const second = await shareWith('editor')
    expect(countsOf(second)).toEqual({ 201: atOnce - beyond, 429: beyond })
    // They wait for each other before they count: none is ended for another's sake and sent again.
    expect(Math.max(...[...first, ...second].map(tripsOf))).toBe(lone[dialect])
    expect(await countRows(world, 'workflow_shares')).toBe(sharesAnHour)
    expect(await countRows(world, 'login_attempts', `kind = 'share'`)).toBe(sharesAnHour)
    expect(await countRows(world, 'audit', `type = 'workflow.shared'`)).toBe(sharesAnHour)
  })

  test('changes of one share are all done', async () => {
    const { id } = await world.workflow()
    const permissions = ['view', 'execute', 'edit']
    const answers = await send((number) =>
      post(`/v1/workflows/${id}/shares`, { username: 'viewer', permission: permissions[number % 3] }),
    )
    expect(countsOf(answers)).toEqual({ 200: atOnce })
    expect(await countRows(world, 'workflow_shares', `workflow_id = '${id}'`)).toBe(3)
  })

  test("replacements of one user's settings are all done, one after the other", async () => {
    const answers = await send((number) => ({ method: 'PUT', path: '/v1/settings', body: { data: { number } } }))
    expect(countsOf(answers)).toEqual({ 200: atOnce })
    expect(answers.map(revisionOf).toSorted((one, other) => one - other)).toEqual(numbers.map((number) => number + 1))
    expect(Math.max(...answers.map(tripsOf))).toBeLessThanOrEqual(longestReplacement[dialect])
    const last = answers.find((answer) => revisionOf(answer) === atOnce)
    expect((await readAnswer(await world.send('owner', 'GET', '/v1/settings'))).json).toEqual(last?.json)
    expect(await countRows(world, 'audit', `type = 'settings.changed'`)).toBe(atOnce)
  })

  test("replacements of one revision of a user's settings: one is done, the others are refused", async () => {
    const first = await send((number) => ({
      actor: 'executor',
      method: 'PUT',
      path: '/v1/settings',
      body: { data: { number } },
      headers: { 'If-Match': '"0"' },
    }))
    expect(countsOf(first)).toEqual({ 200: 1, 412: atOnce - 1 })
    const next = await send((number) => ({
      actor: 'executor',
      method: 'PUT',
      path: '/v1/settings',
      body: { data: { number } },
      headers: { 'If-Match': '"1"' },
    }))
    expect(countsOf(next)).toEqual({ 200: 1, 412: atOnce - 1 })
  })

  test("patches of one user's settings are all done, and none is lost", async () => {
    const answers = await send((number) => ({
      actor: 'editor',
      method: 'PATCH',
      path: '/v1/settings',
      body: { [`member${number}`]: number },
    }))
    expect(countsOf(answers)).toEqual({ 200: atOnce })
    const { json } = await readAnswer(await world.send('editor', 'GET', '/v1/settings'))
    const data = Object.fromEntries(numbers.map((number) => [`member${number}`, number]))
    expect(json).toMatchObject({ data, revision: atOnce })
  })

  test('changes of one workflow are all done, each a version', async () => {
    const { id } = await world.workflow()
    const answers = await send((number) => ({
      method: 'PATCH',
      path: `/v1/workflows/${id}`,
      body: { definition: { number } },
      headers: force,
    }))
    expect(countsOf(answers)).toEqual({ 200: atOnce })
    expect(answers.map(revisionOf).toSorted((one, other) => one - other)).toEqual(numbers.map((number) => number + 2))
    expect(await countRows(world, 'workflow_versions', `workflow_id = '${id}'`)).toBe(atOnce + 1)
  })

  test('changes of one schedule are all done, and one of several deletions', async () => {
    const { id: workflowId } = await world.workflow()
    const made = await readAnswer(
      await world.send('owner', 'POST', `/v1/workflows/${workflowId}/schedules`, {
        body: JSON.stringify({ name: 'nightly', cron: '0 3 * * *' }),
      }),
    )
    const { id } = asRecord(made.json)
    const path = `/v1/schedules/${String(id)}`
    const answers = await send((number) => ({
      method: 'PATCH',
      path,
      body: { name: `nightly ${number}`, maxAttempts: number + 1 },
      headers: force,
    }))
    expect(countsOf(answers)).toEqual({ 200: atOnce })
    expect(answers.map(revisionOf).toSorted((one, other) => one - other)).toEqual(numbers.map((number) => number + 2))
    const last = asRecord(answers.find((answer) => revisionOf(answer) === atOnce + 1)?.json)
    expect((await readAnswer(await world.send('owner', 'GET', path))).json).toMatchObject(last)
    expect(await countRows(world, 'audit', `type = 'schedule.changed'`)).toBe(atOnce)
    const removed = await send(() => ({ method: 'DELETE', path, body: {}, headers: force }))
    expect(countsOf(removed)).toEqual({ 204: 1, 404: atOnce - 1 })
    expect(await countRows(world, 'audit', `type = 'schedule.deleted'`)).toBe(1)
  })

  test('executions of one workflow are all started, and of claims of that queue each has another', async () => {
    const { id } = await world.workflow()
    const started = await send(() => post(`/v1/workflows/${id}/executions`, { input: {} }))
    expect(countsOf(started)).toEqual({ 201: atOnce })
    expect(await countRows(world, 'executions', `workflow_id = '${id}'`)).toBe(atOnce)
    const claimed = await send((number) =>
      post('/v1/executions/claim', { worker: `worker ${number}`, leaseSeconds: 3600, workflowIds: [id] }),
    )
    expect(countsOf(claimed)).toEqual({ 200: atOnce })
    expect(await countRows(world, 'executions', `workflow_id = '${id}' and fence = 1 and status = 'running'`)).toBe(
      atOnce,
    )
  })

  test('log-ins of one user all get in', async () => {
    const before = await countRows(world, 'sessions')
    const answers = await send(() => ({
      actor: 'nobody',
      method: 'POST',
      path: '/v1/auth/login',
      body: { username: 'owner', password },
    }))
    expect(countsOf(answers)).toEqual({ 200: atOnce })
    expect(await countRows(world, 'sessions')).toBe(before + atOnce)
  })
})

interface Sent {
  readonly actor?: 'owner' | 'editor' | 'executor' | 'nobody'
  readonly method: string
  readonly path: string
  readonly body: object
  readonly headers?: Readonly<Record<string, string>>
}

function post(path: string, body: object): Sent {
  return { method: 'POST', path, body }
}

/** How many answers have each status. */
function countsOf(answers: readonly Answer[]): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function revisionOf({ headers }: Answer): number {
  return Number(/^"(\d+)"$/.exec(headers.get('ETag') ?? '')?.[1])
}
