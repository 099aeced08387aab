import { afterAll, beforeAll, expect, test } from 'vitest'
import { readAnswer, type Answer } from '../contract/answers.ts'
import { register, startWorld, type Actor, type SendInit, type World } from '../contract/world.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { isLong } from '../sampling.ts'

/*
 * Pairs of requests at once, many times: what callers are told is what is stored. Each was told otherwise before one
 * statement decided a write (docs/adr/0065); test/serial steps all pairs against each other in every order.
 */

const rounds = isLong ? 12 : 4

interface Told extends Answer {
  readonly revision?: number
}

interface Scenario {
  readonly name: string
  /** One round. Gives what is wrong. */
  readonly round: (kit: Kit) => Promise<readonly string[]>
  readonly rounds?: number
}

interface Kit {
  readonly world: World
  readonly send: (
    actor: Actor,
    method: string,
    path: string,
    body?: unknown,
    headers?: SendInit['headers'],
  ) => Promise<Told>
  /** With a token or key of its own. */
  readonly sendAs: (
    token: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: SendInit['headers'],
  ) => Promise<Told>
  readonly workflow: (options?: { readonly isShared?: boolean }) => Promise<string>
  /** Version numbers that are stored, and the row's own; undefined where it is gone. */
  readonly stored: (id: string) => Promise<Stored>
  readonly count: (table: string, condition: string) => Promise<number>
}

interface Stored {
  readonly versions: readonly number[]
  readonly head: Head | undefined
}

interface Head {
  readonly versionNumber: number
  readonly revision: number
  readonly ownerId: string
}

const force = { 'If-Match': '*' }
const expects = (isRight: boolean, wrong: string): readonly string[] => (isRight ? [] : [wrong])

const scenarios: readonly Scenario[] = [
  {
    name: 'a forced deletion and a patch: all versions of what stays are there',
    round: async ({ send, workflow, stored }) => {
      const id = await workflow()
      await send('owner', 'PATCH', `/v1/workflows/${id}`, { definition: { n: 2 } }, force)
      const [removed, patched] = await Promise.all([
        send('owner', 'DELETE', `/v1/workflows/${id}`, undefined, force),
        send('owner', 'PATCH', `/v1/workflows/${id}`, { definition: { n: 3 } }, force),
      ])
      const { versions, head } = await stored(id)
      const isSerial =
        removed.status === 204 ? head === undefined && (patched.status === 404 || patched.status === 200) : false
      return expects(
        isSerial,
        `DELETE ${removed.status}, PATCH ${patched.status}, ${head === undefined ? 'gone' : 'there'}, versions ${versions.join()}`,
      )
    },
  },
  {
    name: 'a batch of creations and the end of its key: all are made whole, or none',
    round: async ({ world, send, sendAs, count }) => {
      const made = await send('owner', 'POST', '/v1/api-keys', { name: 'k', scopes: ['read', 'write'] })
      const { id, key } = made.json as { id: string; key: string }
      const name = `of ${id}`
      const items = Array.from({ length: 100 }, () => ({ name, definition: {} }))
      const [created] = await Promise.all([
        sendAs(key, 'POST', '/v1/workflows/batch', { items }),
        send('owner', 'DELETE', `/v1/api-keys/${id}`),
      ])
      const there = await count('workflows', `name = '${name}'`)
      const whole = await count(
        'workflows',
        `name = '${name}' and exists (select 1 from workflow_versions v where v.workflow_id = workflows.id)`,
      )
      await world.service.database.query(
        `delete from workflow_versions where workflow_id in (select id from workflows where name = '${name}')`,
      )
      await world.service.database.query(`delete from workflows where name = '${name}'`)
      const expected = created.status === 201 ? 100 : 0
      return expects(there === expected && whole === expected, `${created.status}: ${there} there, ${whole} whole`)
    },
  },
  {
    name: 'a restoration under a key and a patch: a 200 is a version that is there',
    round: async ({ send, workflow, stored }) => {
      const id = await workflow()
      await send('owner', 'PATCH', `/v1/workflows/${id}`, { definition: { n: 2 } }, force)
      const [restored, patched] = await Promise.all([
        send('owner', 'POST', `/v1/workflows/${id}/versions/1/restore`, {}, { ...force, 'Idempotency-Key': id }),
        send('owner', 'PATCH', `/v1/workflows/${id}`, { definition: { n: 3 } }, force),
      ])
      const { versions, head } = await stored(id)
      const told = [restored, patched].map(({ revision = 0 }) => revision).toSorted((one, other) => one - other)
      const isSerial = restored.status === 200 && patched.status === 200 && told.join() === '3,4'
      return [
        ...expects(isSerial, `restore ${restored.status}, PATCH ${patched.status}, revisions ${told.join()}`),
        ...expects(versions.join() === '1,2,3,4' && head?.revision === 4, `versions ${versions.join()}`),
      ]
    },
  },
  {
    name: 'a start and a retry under keys, and patches: a 201 is an execution that is there, and is given again',
    round: async ({ send, workflow, count }) => {
      const id = await workflow()
      const started = `/v1/workflows/${id}/executions`
      const { id: ended } = (await send('owner', 'POST', started, {})).json as { id: string }
      await send('owner', 'POST', `/v1/executions/${ended}/cancel`)
      const start = () => send('owner', 'POST', started, {}, { 'Idempotency-Key': `start-${id}` })
      const retry = () =>
        send('owner', 'POST', `/v1/executions/${ended}/retry`, undefined, { 'Idempotency-Key': `retry-${id}` })
      const patch = (n: number) =>
        send('owner', 'PATCH', `/v1/workflows/${id}`, { definition: { n }, name: `renamed ${n}` }, force)
      const [first, second] = await Promise.all([start(), retry(), patch(2), patch(3)])
      const again = [await start(), await retry()]
      const wrong: string[] = []
      for (const [index, told] of [first, second].entries()) {
        const { id: made } = told.json as { id?: string }
        const there = await count('executions', `id = '${made}' and workflow_id = '${id}'`)
        const repeated = again[index]?.json as { id?: string } | undefined
        const isSame = again[index]?.status === 201 && repeated?.id === made
        wrong.push(
          ...expects(
            told.status === 201 && there === 1 && isSame,
            `${told.status}, ${there} there, ${again[index]?.status}`,
          ),
        )
      }
      const all = await count('executions', `workflow_id = '${id}'`)
      return [...wrong, ...expects(all === 3, `${all} executions`)]
    },
  },
  {
    name: 'a start under a key by a share and the end of that share: a 201 is an execution that is there, and nothing else is',
    round: async ({ send, workflow, count, world }) => {
      const id = await workflow()
      const [started] = await Promise.all([
        send('executor', 'POST', `/v1/workflows/${id}/executions`, {}, { 'Idempotency-Key': `start-${id}` }),
        send('owner', 'DELETE', `/v1/workflows/${id}/shares/${world.users.executor.id}`),
      ])
      const there = await count('executions', `workflow_id = '${id}'`)
      const isTold = started.status === 201 ? there === 1 : started.status === 404 && there === 0
      return expects(isTold, `${started.status}, ${there} there`)
    },
  },
  {
    name: 'four forced writers: each is told a revision of its own, and all versions are there',
    round: async ({ send, workflow, stored, world }) => {
      const id = await workflow({ isShared: false })
      const answers = await Promise.all([
        send('owner', 'PATCH', `/v1/workflows/${id}`, { definition: { n: 2 } }, force),
        send('admin', 'PATCH', `/v1/workflows/${id}`, { definition: { n: 3 } }, force),
        send('owner', 'POST', `/v1/workflows/${id}/versions/1/restore`, {}, force),
        send('admin', 'POST', `/v1/workflows/${id}/transfer`, { username: 'stranger' }, force),
      ])
      const { versions, head } = await stored(id)
      const told = answers.map(({ revision = 0 }) => revision).toSorted((one, other) => one - other)
      return [
        ...expects(told.join() === '2,3,4,5', `told ${told.join()} (${answers.map(({ status }) => status).join()})`),
        ...expects(versions.join() === '1,2,3,4' && head?.versionNumber === 4, `versions ${versions.join()}`),
        ...expects(head?.ownerId === world.users.stranger.id, 'not transferred'),
      ]
    },
  },
  {
    name: 'a patch with a key and the end of that key: 401 changed nothing',
    round: async ({ send, sendAs, workflow, stored }) => {
      const id = await workflow()
      const made = await send('owner', 'POST', '/v1/api-keys', { name: 'k', scopes: ['read', 'write'] })
      const { id: keyId, key } = made.json as { id: string; key: string }
      const [patched] = await Promise.all([
        sendAs(key, 'PATCH', `/v1/workflows/${id}`, { definition: { n: 2 } }, force),
        send('owner', 'DELETE', `/v1/api-keys/${keyId}`),
      ])
      const { head } = await stored(id)
      return expects(
        head?.revision === (patched.status === 200 ? 2 : 1),
        `${patched.status}, revision ${head?.revision}`,
      )
    },
  },
  {
    name: 'a patch by a share and the end of that share: 404 changed nothing',
    round: async ({ send, workflow, stored, world }) => {
      const id = await workflow()
      const [patched, unshared] = await Promise.all([
        send('editor', 'PATCH', `/v1/workflows/${id}`, { definition: { n: 2 } }, force),
        send('owner', 'DELETE', `/v1/workflows/${id}/shares/${world.users.editor.id}`),
      ])
      const { head } = await stored(id)
      return [
        ...expects(
          head?.revision === (patched.status === 200 ? 2 : 1),
          `${patched.status}, revision ${head?.revision}`,
        ),
        ...expects(unshared.status === 204, `unshare ${unshared.status}`),
      ]
    },
  },
  {
    name: 'a deletion and a new share: no error, and nothing of what is gone',
    round: async ({ send, workflow, stored, count, world }) => {
      const id = await workflow({ isShared: false })
      const [removed, shared] = await Promise.all([
        send('owner', 'DELETE', `/v1/workflows/${id}`, undefined, force),
        send('owner', 'POST', `/v1/workflows/${id}/shares`, { userId: world.users.viewer.id, permission: 'view' }),
      ])
      const { head } = await stored(id)
      const shares = await count('workflow_shares', `workflow_id = '${id}'`)
      const isSerial = removed.status === 204 && (shared.status === 201 || shared.status === 404)
      return expects(isSerial && head === undefined && shares === 0, `${removed.status}, ${shared.status}, ${shares}`)
    },
  },
  {
    name: 'a deletion and a restoration: all versions of what stays are there',
    round: async ({ send, workflow, stored }) => {
      const id = await workflow()
      await send('owner', 'PATCH', `/v1/workflows/${id}`, { definition: { n: 2 } }, force)
      const [removed, restored] = await Promise.all([
        send('owner', 'DELETE', `/v1/workflows/${id}`, undefined, force),
        send('owner', 'POST', `/v1/workflows/${id}/versions/1/restore`, {}, force),
      ])
      const { versions, head } = await stored(id)
      const isSerial = removed.status === 204 && [200, 404].includes(restored.status)
      return expects(isSerial && head === undefined, `${removed.status}, ${restored.status}, ${versions.join()}`)
    },
  },
  {
    name: 'a share, a transfer and the end of a share: a refusal made nothing',
    round: async ({ send, workflow, count, world }) => {
      const id = await workflow({ isShared: false })
      const { stranger, viewer } = world.users
      const [shared, transferred] = await Promise.all([
        send('owner', 'POST', `/v1/workflows/${id}/shares`, { userId: viewer.id, permission: 'view' }),
        send('owner', 'POST', `/v1/workflows/${id}/transfer`, { username: 'stranger' }, force),
      ])
      const unshared = await send('stranger', 'DELETE', `/v1/workflows/${id}/shares/${viewer.id}`)
      const shares = await count('workflow_shares', `workflow_id = '${id}' and shared_with_user_id = '${viewer.id}'`)
      const owned = await count('workflows', `id = '${id}' and owner_id = '${stranger.id}'`)
      return [
        ...expects(transferred.status === 200 && owned === 1, `transfer ${transferred.status}`),
        ...expects(
          shares === 0 && unshared.status === (shared.status === 201 ? 204 : 404),
          `share ${shared.status}, unshare ${unshared.status}, ${shares} left`,
        ),
      ]
    },
  },
  {
    name: 'ten shares at once by one caller, under keys and without: all are made',
    rounds: 5,
    round: async ({ send, workflow, count, world }) => {
      await world.service.database.query(`delete from login_attempts where kind = 'share'`)
      const ids = await Promise.all(Array.from({ length: 10 }, () => workflow({ isShared: false })))
      const answers = await Promise.all(
        ids.map((id, index) =>
          send(
            'owner',
            'POST',
            `/v1/workflows/${id}/shares`,
            { userId: world.users.viewer.id, permission: 'view' },
            index % 2 === 0 ? {} : { 'Idempotency-Key': id },
          ),
        ),
      )
      const made = await count('workflow_shares', `workflow_id in (${ids.map((id) => `'${id}'`).join()})`)
      return expects(
        made === 10 && answers.every(({ status }) => status === 201),
        answers.map(({ status }) => status).join(),
      )
    },
  },
]

describeDialectsByTest((dialect) => {
  let world: World
  let kit: Kit

  beforeAll(async () => {
    world = await startWorld(dialect)
    if (dialect === 'postgres') await slowDown(world)
    const told = async (response: Promise<Response>): Promise<Told> => {
      const answer = await readAnswer(await response)
      const revision = Number(/"(\d+)"/.exec(answer.headers.get('ETag') ?? '')?.[1])
      return Number.isNaN(revision) ? answer : { ...answer, revision }
    }
    const initOf = (body: unknown, headers: SendInit['headers']): SendInit => ({
      body: body === undefined ? undefined : JSON.stringify(body),
      headers,
    })
    kit = {
      world,
      send: (actor, method, path, body, headers) => told(world.send(actor, method, path, initOf(body, headers))),
      sendAs: (token, method, path, body, headers) =>
        told(world.send('nobody', method, path, initOf(body, { ...headers, Authorization: `Bearer ${token}` }))),
      workflow: async (options) => (await world.workflow(options)).id,
      async stored(id) {
        const heads = await world.service.database.query(
          `select version_number, revision, owner_id from workflows where id = '${id}'`,
        )
        const versions = await world.service.database.query(
          `select version_number from workflow_versions where workflow_id = '${id}' order by version_number`,
        )
        const [head] = heads
        return {
          versions: versions.map((row) => Number(row['version_number'])),
          head: head && {
            versionNumber: Number(head['version_number']),
            revision: Number(head['revision']),
            ownerId: String(head['owner_id']),
          },
        }
      },
      async count(table, condition) {
        const [row] = await world.service.database.query(`select count(*) as n from ${table} where ${condition}`)
        return Number(row?.['n'])
      },
    }
    await register(world.service, 'bystander')
  })
  afterAll(() => world.stop())

  for (const { name, round, rounds: times = rounds } of scenarios) {
    test(`${name}, ${times} times`, { timeout: 120_000 }, async () => {
      const wrong: string[] = []
      for (let index = 0; index < times; index += 1) wrong.push(...(await round(kit)))
      expect(wrong).toEqual([])
    })
  }
})

/** A third of the statements takes longer, so that batches overlap as they do over a network. */
async function slowDown({ service: { database } }: World): Promise<void> {
  await database.query(`create function slow() returns trigger language plpgsql as $$
    begin if random() < 0.33 then perform pg_sleep(0.002 + random() * 0.018); end if; return null; end $$`)
  for (const table of [
    'workflows',
    'workflow_versions',
    'workflow_shares',
    'executions',
    'idempotency_keys',
    'api_keys',
  ]) {
    await database.query(
      `create trigger slow_${table} before insert or update or delete on ${table} for each statement execute function slow()`,
    )
  }
}
