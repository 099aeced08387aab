import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import { bindingClient } from '@millrace/drivers/d1/binding'
import type { D1Binding } from '@millrace/drivers/d1/client'
import { openDatabase } from '@millrace/drivers/open'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { archiveOf, restored } from '../archive/archives.ts'
import { targetOf } from '../database.ts'
import { describeDialects, testWhere } from '../dialects.ts'
import { served } from '../served.ts'
import { startD1 } from '../servers/d1.ts'
import { startOnD1, startService, type Service } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'
import { asRecord, itemsOf, type Answer } from './answers.ts'
import { bodyOf, call, expectRefusal, join, workflowOf, type Call, type Member } from './members.ts'

/*
 * Rows that several writes make larger than one of D1's can be, each within MAX_BODY_BYTES. D1 by itself takes rows of
 * more than the 2,000,000 bytes that Cloudflare promises: https://developers.cloudflare.com/d1/platform/limits/
 */

const promisedBytes = 2_000_000

/** A JSON string of that many bytes. */
const textOf = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`

class World {
  readonly service: Service
  readonly member: Member

  constructor(service: Service, member: Member) {
    this.service = service
    this.member = member
  }

  ask(method: string, path: string, options: Call = {}): Promise<Answer> {
    return call(this.service, method, path, { token: this.member.accessToken, ...options })
  }

  patch(path: string, body: string, headers: Call['headers'] = { 'If-Match': '*' }): Promise<Answer> {
    return this.ask('PATCH', path, { body, headers })
  }

  /** Starts an execution of a workflow of its own and claims it. */
  async running(input: string): Promise<{ path: string; fence: number; workflowId: string }> {
    const workflowId = await workflowOf(this.service, this.member)
    const body = `{"input":${input},"maxAttempts":1}`
    const { id } = bodyOf(await this.ask('POST', `/v1/workflows/${workflowId}/executions`, { body }), 201)
    const claim = { body: { worker: '😀'.repeat(100), workflowIds: [workflowId], leaseSeconds: 3600 } }
    const [claimed] = itemsOf(bodyOf(await this.ask('POST', '/v1/executions/claim', claim), 200))
    return { path: `/v1/executions/${String(id)}`, fence: Number(asRecord(claimed)['fence']), workflowId }
  }

  async get(path: string): Promise<Readonly<Record<string, unknown>>> {
    return bodyOf(await this.ask('GET', path), 200)
  }

  async create(members: string): Promise<string> {
    return `/v1/workflows/${String(bodyOf(await this.ask('POST', '/v1/workflows', { body: `{${members}}` }), 201)['id'])}`
  }
}

describeDialects((dialect) => {
  testWhere(
    served !== 'd1',
    'documents that are more than a row of D1 together are kept as they were sent',
    async () => {
      const service = await startService(dialect)
      onTestFinished(() => service.stop())
      const world = new World(service, await join(service))
      const { path, fence } = await world.running(textOf(1_000_000))
      bodyOf(await world.patch(path, `{"fence":${fence},"state":${textOf(1_000_000)}}`), 200)
      const error = `{"code":"too_much","message":"all of it","details":${textOf(1_000_000)}}`
      bodyOf(await world.patch(path, `{"fence":${fence},"status":"failed","error":${error}}`), 200)
      expect((await world.ask('GET', path)).text).toContain(`"details":${textOf(1_000_000)}`)
    },
  )
})

describe('D1', () => {
  let world: World
  let binding: D1Binding
  beforeAll(async () => {
    const service = await startOnD1('sqlite', { vars: { MAX_BODY_BYTES: '1900000' } })
    binding = service.binding
    world = new World(service, await join(service))
  })
  afterAll(() => world.service.stop())

  const expectTooLarge = (answer: Answer): void => {
    expectRefusal(answer, 413, 'payload_too_large')
    expect(asRecord(answer.json)['detail']).toContain('larger than the database allows')
  }

  test('input, state and error of an execution have one row: what makes it too large is 413 and changes nothing', async () => {
    const { path, fence } = await world.running(textOf(1_000_000))
    const before = await world.get(path)
    expectTooLarge(await world.patch(path, `{"fence":${fence},"state":${textOf(1_000_000)}}`))
    expectTooLarge(await world.patch(path, `{"fence":${fence},"status":"completed","state":${textOf(1_000_000)}}`))
    expect(await world.get(path)).toEqual(before)

    bodyOf(await world.patch(path, `{"fence":${fence},"state":${textOf(985_000)}}`), 200)
    const error = `{"code":"failed","message":"for a reason","details":${textOf(20_000)}}`
    expectTooLarge(await world.patch(path, `{"fence":${fence},"status":"failed","error":${error}}`))
    // What is there already is replaced, and counts no more.
    bodyOf(await world.patch(path, `{"fence":${fence},"status":"failed","state":null,"error":${error}}`), 200)
    expect(itemsOf((await world.ask('GET', `${path}/history`)).json)).toMatchObject([
      { type: 'created' },
      { type: 'claimed' },
      { type: 'failed' },
    ])
  })

  test('of two reports that fit one by one, and not together, one is stored', async () => {
    const { path, fence } = await world.running('null')
    const answers = await Promise.all([
      world.patch(path, `{"fence":${fence},"state":${textOf(1_000_000)}}`),
      world.patch(path, `{"fence":${fence},"error":{"code":"a","message":"b","details":${textOf(1_000_000)}}}`),
    ])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 413]))
  })

  test('who may not write is told that first', async () => {
    const { path, fence } = await world.running(textOf(1_000_000))
    const state = textOf(1_000_000)
    expectRefusal(await world.patch(path, `{"fence":${fence + 1},"state":${state}}`), 409, 'fence_stale')
    const other = new World(world.service, await join(world.service))
    expectRefusal(await other.patch(path, `{"fence":${fence},"state":${state}}`), 404, 'not_found')
  })

  test('the largest row that is stored can be worked on, and is restored into D1 from its backup', async () => {
    const { path, fence, workflowId } = await world.running(textOf(1_000_000))
    const fits = async (bytes: number) => {
      const { status } = await world.patch(path, `{"fence":${fence},"state":${textOf(bytes)}}`)
      expect([200, 413]).toContain(status)
      return status === 200
    }
    let least = 900_000
    for (let more = 100_000; more >= 1; more = Math.floor(more / 2)) if (await fits(least + more)) least += more
    // Nearly all of what D1 promises.
    expect(least).toBeGreaterThan(985_000)
    // A worker can still say why it fails.
    const error = `{"code":"payload_too_large","message":${textOf(1000)}}`
    bodyOf(await world.patch(path, `{"fence":${fence},"error":${error}}`), 200)
    bodyOf(await world.ask('POST', `${path}/heartbeat`, { body: { fence } }), 200)
    const { database } = world.service
    // Its lease runs out, and its one attempt is used up: the next claim that meets it fails it, with an error.
    await database.query(`update executions set lease_until = 1 where id = '${path.split('/').at(-1)}'`)
    const claim = { body: { worker: '😀'.repeat(100), workflowIds: [workflowId] } }
    expect(itemsOf(bodyOf(await world.ask('POST', '/v1/executions/claim', claim), 200))).toEqual([])
    const failed = await world.get(path)
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'lease_expired' } })

    const d1 = bindingClient(binding)
    const archive = await archiveOf(await openDatabase({ target: targetOf(database.url), d1 }))
    const other = await startD1()
    onTestFinished(() => other.database.drop())
    const target = await openDatabase({ target: targetOf(other.database.url), d1: bindingClient(other.binding) })
    await migrate(target, readMigrations(workspaceRoot, 'sqlite'))
    await restored(target, archive)
    const sizes = 'select max(octet_length(input) + octet_length(state) + octet_length(error)) as bytes from executions'
    const [{ bytes = 0 } = {}] = await other.database.query(sizes)
    expect(Number(bytes)).toBeGreaterThan(1_000_000 + least)
    expect(Number(bytes)).toBeLessThan(promisedBytes)
  })

  test('a definition with its description has one row, by whichever comes last', async () => {
    const path = await world.create(`"name":"large","definition":{"text":${textOf(1_800_000)}}`)
    const long = '漢'.repeat(80_000)
    const before = await world.get(path)
    expectTooLarge(await world.patch(path, JSON.stringify({ description: long })))
    expectTooLarge(await world.patch(path, JSON.stringify({ description: long, isPublic: true, name: 'another' })))
    expectRefusal(
      await world.patch(path, JSON.stringify({ description: long }), { 'If-Match': '"7"' }),
      412,
      'precondition_failed',
    )
    expect(await world.get(path)).toEqual(before)
    bodyOf(await world.patch(path, JSON.stringify({ description: long, definition: {} })), 200)
    expectTooLarge(await world.patch(path, `{"definition":{"text":${textOf(1_800_000)}}}`))
    bodyOf(await world.patch(path, JSON.stringify({ name: 'renamed' })), 200)
    expect(await world.get(path)).toMatchObject({ name: 'renamed', versionNumber: 2, description: long })
  })

  test('an old version is not restored beside a description that leaves it no place', async () => {
    const path = await world.create(`"name":"old","definition":{"text":${textOf(1_800_000)}}`)
    bodyOf(await world.patch(path, JSON.stringify({ description: '漢'.repeat(80_000), definition: {} })), 200)
    const restore = (headers: Call['headers'] = {}) =>
      world.ask('POST', `${path}/versions/1/restore`, { body: {}, headers: { 'If-Match': '*', ...headers } })
    expectTooLarge(await restore())
    const key = { 'Idempotency-Key': 'restored' }
    expectTooLarge(await restore(key))
    expect(await world.get(path)).toMatchObject({ versionNumber: 2, revision: 2 })
    bodyOf(await world.patch(path, JSON.stringify({ description: null })), 200)
    // The refusal was not kept under the key.
    expect(bodyOf(await restore(key), 200)).toMatchObject({ versionNumber: 3 })
  })

  test('an answer that has no place under its Idempotency-Key is 413, and nothing is done', async () => {
    // A control character has one byte in the row, and six in JSON.
    const path = await world.create(`"name":"old","definition":{"text":${textOf(1_700_000)}}`)
    bodyOf(await world.patch(path, JSON.stringify({ description: '\u0001'.repeat(100_000), definition: {} })), 200)
    const options = { body: {}, headers: { 'If-Match': '*', 'Idempotency-Key': 'large answer' } }
    expectTooLarge(await world.ask('POST', `${path}/versions/1/restore`, options))
    expect(await world.get(path)).toMatchObject({ versionNumber: 2 })
  })

  test('settings whose secrets are too large once they are sealed are 413', async () => {
    const secrets = (count: number) => `[${Array.from({ length: count }, () => `{"$secret":${textOf(90)}}`).join(',')}]`
    const put = (count: number) => world.ask('PUT', '/v1/settings', { body: `{"data":{"tokens":${secrets(count)}}}` })
    bodyOf(await put(5000), 200)
    expectTooLarge(await put(10_000))
    expectTooLarge(await world.patch('/v1/settings', `{"more":${secrets(5000)}}`, {}))
    expect(await world.get('/v1/settings')).toMatchObject({ revision: 1 })
  })

  test('a patch of several members may have a definition as large as a body', async () => {
    const path = await world.create('"name":"small","definition":{}')
    const description = 'with a description'
    const body = `{"name":"larger","description":"${description}","definition":{"text":${textOf(1_800_000)}}}`
    bodyOf(await world.patch(path, body), 200)
    expect(await world.get(path)).toMatchObject({ name: 'larger', description, versionNumber: 2 })
  })
})
