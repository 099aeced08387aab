import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bodyOf, call, join, type Member } from '../contract/members.ts'
import { asRecord } from '../contract/answers.ts'
import { describeDialectsByTest, type RawRow, type TestDatabase } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { migratedDatabase } from '../templates.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const path = '/v1/settings'
const writers = 4
const secretsEach = 25
const auth = `test:${randomBytes(32).toString('base64url')}`
const keyOf = (kid: string) => `${kid}:${randomBytes(32).toString('base64url')}`
const [oldKey, newKey] = [keyOf('old'), keyOf('new')]

interface Owner {
  readonly member: Member
  /** Plain texts by the name that they stand under. */
  readonly secrets: Map<string, string>
}

describeDialectsByTest((dialect) => {
  let database: TestDatabase
  const rotate = (keys: string) =>
    millrace(['keys', 'rotate', '--json'], {
      cwd: emptyDirectory(),
      env: { DATABASE_URL: database.url, SETTINGS_KEYS: keys },
    })
  const serve = (keys: string, workers = 1) =>
    startService(database, { workers, vars: { AUTH_KEYS: auth, SETTINGS_KEYS: keys } })

  beforeAll(async () => {
    database = await migratedDatabase(dialect)
  })
  afterAll(() => database.drop())

  test('while settings are written, every secret gets the new seal, and nothing is lost', async () => {
    const owners = await withService(await serve(oldKey), makeOwners)
    const refused = await rotate(newKey)
    expect(refused.exitCode).toBe(2)
    expect(documentOf(refused)).toMatchObject({
      error: { code: 'settings_invalid', why: expect.stringContaining('old') },
    })

    const before = await kidsOf()
    expect(before).toEqual(new Set(['old']))
    const rotated = await withService(await serve(`${newKey},${oldKey}`, 2), async (service) => {
      const stop = new AbortController()
      const writing = owners.map((owner, index) => writeUntil(service, owner, index, stop.signal))
      const ended = await rotate(`${newKey},${oldKey}`)
      stop.abort()
      const writes = await Promise.all(writing)
      expect(Math.min(...writes)).toBeGreaterThan(0)
      return ended
    })
    expect(rotated.exitCode).toBe(0)
    const { resealed, total } = asRecord(documentOf(rotated))
    expect(Number(total)).toBeGreaterThanOrEqual(writers * secretsEach)
    expect(Number(resealed)).toBeGreaterThan(0)
    expect(await kidsOf()).toEqual(new Set(['new']))
    const again = asRecord(documentOf(await rotate(`${newKey},${oldKey}`)))
    expect(again).toEqual({ resealed: 0, total: again['total'] })

    await withService(await serve(newKey), (service) => Promise.all(owners.map((owner) => expectAll(service, owner))))
  })

  test('what was resealed keeps its ETag, and a write that read before is made anew', async () => {
    const [first, second] = [keyOf('a'), keyOf('b')]
    await database.query(`delete from settings`)
    const { member, tag } = await withService(await serve(first), async (service) => {
      const owner = await join(service)
      const body = '{"data":{"a":{"$secret":"kept under the next key"}}}'
      const answer = await call(service, 'PUT', path, { token: owner.accessToken, body })
      return { member: owner, tag: answer.headers.get('ETag') ?? '' }
    })
    expect(documentOf(await rotate(`${second},${first}`))).toEqual({ resealed: 1, total: 1 })
    await withService(await serve(second), async (service) => {
      const answer = await call(service, 'PATCH', path, {
        token: member.accessToken,
        body: '{"n":1}',
        headers: { 'If-Match': tag },
      })
      expect(bodyOf(answer, 200)['revision']).toBe(2)
    })
  })

  test('each write that reseals leaves one event with it, by the command; a run that reseals nothing leaves none', async () => {
    const [first, second] = [keyOf('c'), keyOf('d')]
    const sealed = '{"data":{"a":{"$secret":"canary one"},"b":{"$secret":"canary two"}}}'
    const owners = await withService(await serve(first), async (service) => {
      await database.query(`delete from settings`)
      const joined = [await join(service), await join(service), await join(service)]
      for (const [index, { accessToken }] of joined.entries()) {
        const body = index === 2 ? '{"data":{}}' : sealed
        bodyOf(await call(service, 'PUT', path, { token: accessToken, body }), 200)
      }
      return joined
    })
    const before = (await rotations()).length
    expect(documentOf(await rotate(`${second},${first}`))).toEqual({ resealed: 4, total: 4 })
    const left = (await rotations()).slice(before)
    expect(left.toSorted(bySubject)).toEqual(
      owners
        .slice(0, 2)
        .map(({ id }) => ({
          actor_kind: 'command',
          actor_user_id: null,
          actor_id: 'keys rotate',
          subject_type: 'settings',
          subject_id: id,
          owner_id: id,
          data: '{"secrets":2}',
        }))
        .toSorted(bySubject),
    )
    expect(documentOf(await rotate(`${second},${first}`))).toEqual({ resealed: 0, total: 4 })
    expect(await rotations()).toHaveLength(before + 2)
  })

  test('without SETTINGS_KEYS it is refused before any work', async () => {
    const ended = await millrace(['keys', 'rotate', '--json'], {
      cwd: emptyDirectory(),
      env: { DATABASE_URL: database.url },
    })
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'settings_invalid' } })
  })

  async function rotations() {
    const rows = await database.query(
      `select actor_kind, actor_user_id, actor_id, subject_type, subject_id, owner_id, data
       from audit where type = 'secrets.rotated' order by at, id`,
    )
    // Some drivers parse what is JSON.
    return rows.map(({ data, ...row }) => ({ ...row, data: typeof data === 'string' ? data : JSON.stringify(data) }))
  }

  /** Names of the keys that secrets in the table are sealed under. */
  async function kidsOf(): Promise<ReadonlySet<string | undefined>> {
    const rows = await database.query('select settings_data from settings')
    const texts = rows.map(({ settings_data: data }) => (typeof data === 'string' ? data : JSON.stringify(data)))
    return new Set(texts.flatMap((text) => [...text.matchAll(/"sealed":\s*"([^."]+)\./g)].map(([, kid]) => kid)))
  }
})

function bySubject(a: RawRow, b: RawRow): number {
  return String(a['subject_id']) < String(b['subject_id']) ? -1 : 1
}

async function withService<Result>(service: Service, work: (service: Service) => Promise<Result>): Promise<Result> {
  try {
    return await work(service)
  } finally {
    await service.stop()
  }
}

function makeOwners(service: Service): Promise<readonly Owner[]> {
  return Promise.all(Array.from({ length: writers }, () => makeOwner(service)))
}

async function makeOwner(service: Service): Promise<Owner> {
  const member = await join(service)
  const names = Array.from({ length: secretsEach }, (_, index) => `s${index}`)
  const secrets = new Map(names.map((name) => [name, `the secret ${name} of ${member.username}`]))
  const data = Object.fromEntries(Array.from(secrets, ([name, plain]) => [name, { $secret: plain }]))
  bodyOf(await call(service, 'PUT', path, { token: member.accessToken, body: { data } }), 200)
  return { member, secrets }
}

/** Patches an owner's settings through two workers in turn; gives how often. */
async function writeUntil(service: Service, owner: Owner, index: number, signal: AbortSignal): Promise<number> {
  let count = 0
  while (!signal.aborted) {
    const name = `s${count % (2 * secretsEach)}`
    const plain = `secret ${count} of writer ${index}`
    const answer = await service.fetch(
      path,
      {
        method: 'PATCH',
        headers: { Authorization: `Bearer ${owner.member.accessToken}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(count % 2 === 0 ? { count } : { [name]: { $secret: plain } }),
      },
      count % 2,
    )
    expect({ status: answer.status, text: await answer.text() }).toMatchObject({ status: 200 })
    if (count % 2 === 1) owner.secrets.set(name, plain)
    count += 1
  }
  return count
}

async function expectAll(service: Service, { member, secrets }: Owner): Promise<void> {
  for (const [name, plain] of secrets) {
    const body = { pointer: `/${name}` }
    const answer = await call(service, 'POST', `${path}/reveal`, { token: member.accessToken, body })
    expect(bodyOf(answer, 200)).toEqual({ value: plain })
  }
}
