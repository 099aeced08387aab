import { routes } from '@millrace/api/app'
import { allows, scopes } from '@millrace/api/scopes'
import { auditTypes } from '@millrace/db/schema/audit-types'
import { describe, expect, test } from 'vitest'
import { asRecord, itemsOf, readAnswer, type Answer } from '../contract/answers.ts'
import { prepareExample, sendPrepared, type PreparedRequest, type RouteName } from '../contract/examples.ts'
import { bodyOf, call, join, someNetwork } from '../contract/members.ts'
import { useWorld } from '../contract/scenarios.ts'
import type { World } from '../contract/world.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { credentialsOf, isFlat, withCanary } from './canaries.ts'
import { expectedEvents, type ExpectedEvents } from './expected.ts'
import { eventsOf, sessionsOf, type TrailEvent } from './trail.ts'

/** docs/contract/api.md's "Audit", for every write there is, by walking the app's own table. */
const writes = routes
  .filter(({ method }) => method !== 'GET')
  .map(({ method, path, scope }) => ({ name: `${method} ${path}`, scope }))
const names = writes.map(({ name }) => name)
/** What an API key with every scope may do; the others are for sessions alone, or for anyone. */
const forKeys = writes.filter(({ scope }) => scope !== undefined && allows(new Set(scopes), scope))

/** What of the examples stands in documents and secrets that are there before. */
const kept = ['"a":1', 'of the example']

test('each write has its event, or the reason why it leaves none', () => {
  expect(Object.keys(expectedEvents).toSorted()).toEqual(names.toSorted())
})

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  describe('a session', () => {
    test.each(names)('%s leaves its one event', async (name) => {
      const { world } = suite
      await expectEvents(world, name, await prepareExample(world, name))
    })
  })

  describe('an API key', () => {
    test.each(forKeys.map(({ name }) => name))('%s leaves its one event, by the key', async (name) => {
      const { world } = suite
      const prepared = await prepareExample(world, name)
      const key = await makeKey(world, prepared.token)
      await expectEvents(world, name, { ...prepared, token: key.key }, { key, token: prepared.token })
    })
  })

  describe('a PATCH of a workflow', () => {
    const before = { name: 'orders', description: 'as it was', definition: '{"n":1}' }
    const same = { name: 'orders', definition: { n: 1 } }
    test.each([
      ['published alone', { isPublic: true }, 'workflow.published', ['isPublic']],
      ['published with what stays the same', { ...same, isPublic: true }, 'workflow.published', ['isPublic']],
      [
        'changed and published',
        { name: 'returns', definition: { n: 2 }, isPublic: true },
        'workflow.updated',
        ['name', 'definition', 'isPublic'],
      ],
      ['changed, and private as it was', { name: 'returns', isPublic: false }, 'workflow.updated', ['name']],
    ] as const)('%s leaves one event', async (_, body, type, members) => {
      const { world } = suite
      const { id } = await world.workflow({ ...before, isShared: false })
      const { events } = await eventsOf(world, () => patchWorkflow(world, id, body))
      expect(events.map((event) => [event.type, membersOf(event)])).toEqual([[type, members]])
    })

    test('unpublished alone leaves workflow.unpublished; with more, workflow.updated', async () => {
      const { world } = suite
      const [one, other] = [await world.workflow({ isPublic: true }), await world.workflow({ isPublic: true })]
      const { events } = await eventsOf(world, async () => {
        await patchWorkflow(world, one.id, { isPublic: false })
        await patchWorkflow(world, other.id, { isPublic: false, description: 'no more' })
      })
      expect(events.map((event) => [event.subjectId, event.type, membersOf(event)])).toEqual([
        [one.id, 'workflow.unpublished', ['isPublic']],
        [other.id, 'workflow.updated', ['description', 'isPublic']],
      ])
    })
  })

  test('what changes nothing, or is refused, leaves none', async () => {
    const { world } = suite
    const { id } = await world.workflow({ name: 'orders', definition: '{"n":1}', isPublic: true })
    const path = `/v1/workflows/${id}`
    const { events } = await eventsOf(world, async () => {
      await patchWorkflow(world, id, { name: 'orders', definition: { n: 1 }, isPublic: true })
      const refused = [
        await world.send('stranger', 'PATCH', path, { body: '{"name":"mine"}', headers: { 'If-Match': '*' } }),
        await world.send('viewer', 'PATCH', path, { body: '{"isPublic":false}', headers: { 'If-Match': '*' } }),
        await world.send('owner', 'PATCH', path, { body: '{"name":"late"}', headers: { 'If-Match': '"9"' } }),
        await world.send('owner', 'DELETE', path, { headers: { 'If-Match': '"9"' } }),
        await world.send('disabled', 'POST', '/v1/workflows', { body: '{"name":"a","definition":{}}' }),
      ]
      expect(refused.every(({ status }) => status >= 400)).toBe(true)
    })
    expect(events).toEqual([])
  })

  test('logging out of a live session leaves session.ended once', async () => {
    const { world } = suite
    const { id, refreshToken } = await join(world.service)
    const sessions = await sessionsOf(world, id)
    const logOut = () => call(world.service, 'POST', '/v1/auth/logout', { body: { refreshToken } })
    const { events } = await eventsOf(world, async () => [await logOut(), await logOut()])
    expect(events.map(({ type, subjectId }) => [type, subjectId])).toEqual([['session.ended', sessions[0]]])
    expect(events[0]?.data).not.toContain(refreshToken)
  })

  test('a schedule that its owner disables, and a user whom an administrator does, have their own types', async () => {
    const { world } = suite
    const schedule = await prepareExample(world, 'PATCH /v1/schedules/{id}')
    const user = await prepareExample(world, 'PATCH /v1/admin/users/{id}')
    const { events } = await eventsOf(world, async () => {
      const answers = [
        await sendPrepared(world, { ...schedule, body: '{"isEnabled":false}' }),
        await sendPrepared(world, { ...user, body: '{"disabled":true}' }),
        await sendPrepared(world, { ...user, body: '{"disabled":false}' }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    })
    expect(events.map(({ type }) => type)).toEqual(['schedule.disabled', 'user.disabled', 'user.enabled'])
  })
})

interface Credential {
  readonly key: { readonly id: string; readonly key: string }
  /** Of whom the key is. */
  readonly token: string
}

/** Sends the request with canaries in it, and holds what it leaves against {@link expectedEvents}. */
async function expectEvents(
  world: World,
  name: RouteName,
  prepared: PreparedRequest,
  credential?: Credential,
): Promise<void> {
  const canary = `canary-${crypto.randomUUID()}`
  const body = prepared.body && JSON.stringify(withCanary(JSON.parse(prepared.body), canary))
  const callerId = await callerOf(world, credential?.token ?? prepared.token)
  const workflowId = await workflowOf(world, prepared.path)
  const sessionsBefore = await sessionsOf(world, callerId)
  const network = someNetwork()
  const { result: answer, events } = await eventsOf(world, async () =>
    readAnswer(await sendPrepared(world, { ...prepared, body }, { headers: { 'CF-Connecting-IP': network } })),
  )
  expect([answer.status, answer.text]).toEqual([prepared.status, answer.text])
  const expected = expectedEvents[name]
  if (expected === undefined || typeof expected === 'string') {
    expect(events).toEqual([])
    return
  }
  const actorId = expected.actor === 'userOfAnswer' ? textOf(asRecord(answer.json)['user'], 'id') : callerId
  const subjects = subjectsOf(expected, { answer, prepared, actorId })
  expect(events.map(({ type, subjectId }) => `${type} ${subjectId}`).toSorted()).toEqual(
    subjects.map((subject) => `${expected.type} ${subject}`).toSorted(),
  )
  const sessions = [...sessionsBefore, ...(await sessionsOf(world, actorId))]
  const secrets = [...secretsOf(prepared, answer, credential), canary, ...kept]
  for (const event of events) {
    expect(auditTypes).toContain(event.type)
    expect(event).toMatchObject({
      actorKind: credential === undefined ? 'user' : 'key',
      actorUserId: actorId,
      subjectType: expected.subject,
      workflowId: workflowIdOf(expected, event, { answer, workflowId }),
      ownerId: { subject: event.subjectId, nobody: null, actor: actorId }[expected.owner ?? 'actor'],
      network,
      requestId: answer.headers.get('X-Request-Id'),
    })
    if (credential !== undefined) expect(event.actorId).toBe(credential.key.id)
    else if (expected.actor === 'callerWithoutSession') expect(event.actorId).toBeNull()
    else expect(sessions).toContain(event.actorId)
    expectNamesAndNumbers(event, secrets)
  }
}

function expectNamesAndNumbers({ data }: TrailEvent, secrets: readonly string[]): void {
  const parsed: unknown = JSON.parse(data)
  expect(isFlat(parsed)).toBe(true)
  const text = JSON.stringify(parsed)
  for (const secret of secrets) expect(text).not.toContain(secret)
}

function secretsOf(prepared: PreparedRequest, answer: Answer, credential?: Credential) {
  const body: unknown = prepared.body === undefined ? undefined : JSON.parse(prepared.body)
  const held = { token: prepared.token, accessToken: credential?.token, key: credential?.key.key }
  return [body, answer.json, held].flatMap((one) => credentialsOf(one))
}

interface Sent {
  readonly answer: Answer
  readonly prepared: PreparedRequest
  readonly actorId: string
}

/** The subject of each event that there must be. */
function subjectsOf({ named }: ExpectedEvents, { answer, prepared, actorId }: Sent): readonly string[] {
  switch (named) {
    case 'path':
      return [inPath(prepared.path)]
    case 'answer':
      return [textOf(answer.json, 'id')]
    case 'items':
      return itemsOf(answer.json).map((item) => textOf(item, 'id'))
    case 'name':
      return [textOf(answer.json, 'name')]
    case 'userOfAnswer':
    case 'actor':
      return [actorId]
  }
}

function workflowIdOf(
  { subject }: ExpectedEvents,
  { subjectId }: TrailEvent,
  { answer, workflowId }: { readonly answer: Answer; readonly workflowId: string | null },
): string | null {
  if (subject === 'workflow') return subjectId
  if (subject === 'execution' || subject === 'schedule') return workflowId ?? textOf(answer.json, 'workflowId')
  return null
}

/** Of what the path names, before it is gone. */
async function workflowOf({ service }: World, path: string): Promise<string | null> {
  const [, , collection] = path.split('/')
  if (collection === 'workflows') return inPath(path)
  if (collection !== 'executions' && collection !== 'schedules') return null
  const [row] = await service.database.query(`select workflow_id from ${collection} where id = '${inPath(path)}'`)
  return row === undefined ? null : String(row['workflow_id'])
}

/** The id that follows the collection; of settings of administration, one segment later. */
function inPath(path: string): string {
  const segments = path.split('/').slice(2)
  const position = ['admin', 'auth'].includes(segments[0] ?? '') ? 2 : 1
  return decodeURIComponent(segments[position] ?? '')
}

async function callerOf({ service }: World, token: string): Promise<string> {
  return textOf(bodyOf(await call(service, 'GET', '/v1/auth/me', { token }), 200), 'id')
}

async function makeKey({ service }: World, token: string): Promise<Credential['key']> {
  const isAdministrator = bodyOf(await call(service, 'GET', '/v1/auth/me', { token }), 200)['role'] === 'admin'
  const held = scopes.filter((scope) => scope !== 'admin' || isAdministrator)
  const made = bodyOf(await call(service, 'POST', '/v1/api-keys', { token, body: { name: 'k', scopes: held } }), 201)
  return { id: textOf(made, 'id'), key: textOf(made, 'key') }
}

async function patchWorkflow(world: World, id: string, body: object): Promise<void> {
  const sent = { body: JSON.stringify(body), headers: { 'If-Match': '*' } }
  const { status, text } = await readAnswer(await world.send('owner', 'PATCH', `/v1/workflows/${id}`, sent))
  expect({ status, text }).toEqual({ status: 200, text })
}

function membersOf({ data }: TrailEvent): unknown {
  return asRecord(JSON.parse(data))['members']
}

function textOf(thing: unknown, name: string): string {
  const value = asRecord(thing)[name]
  if (typeof value !== 'string') throw new Error(`no ${name}: ${JSON.stringify(thing)}`)
  return value
}
