import { asRecord } from '../contract/answers.ts'
import { password } from '../contract/world.ts'
import type { Operation } from './document.ts'
import type { Drawn } from './requests.ts'
import { recordedKey } from './recorded.ts'
import type { Account, Things } from './things.ts'

/** What a schema can't say of a request: which things there are, and who may do this with them. */
export interface Filling {
  /** Undefined: sent without a token. */
  readonly account?: Account | undefined
  readonly token?: string
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
}

type Fill = (things: Things, drawn: Drawn) => Filling | Promise<Filling>

const inWorkflow: Fill = async (things, { pick }) => {
  const { id, owner } = await things.some('workflows', pick)
  return { account: owner, path: { id, n: '1', a: '1', b: '1' } }
}

const inRecorded: Fill = async (things, { pick }) => {
  const { id, owner } = await things.recorded.some(pick)
  return { account: owner, path: { id, key: recordedKey } }
}

const inSchedule: Fill = async (things, { pick }) => {
  const { id, owner } = await things.some('schedules', pick)
  return { account: owner, path: { id } }
}

/** What the schema of a schedule calls text. */
const timetable = (pick: number) => ({
  cron: ['@monthly', '0 5 1 1 *', '*/15 9-17 * * 1-5'][pick % 3],
  timeZone: ['UTC', 'Europe/Berlin', 'America/New_York'][pick % 3],
})

const asAdministrator: Fill = (things) => ({ token: things.scopedKeys['admin'] ?? '' })
const asSpare = async (things: Things, fill: (account: Account) => Omit<Filling, 'account'>): Promise<Filling> => {
  const account = await things.spareAccount()
  return { account, ...fill(account) }
}

export const fillings: Readonly<Record<string, Fill>> = {
  'GET /docs/{file}': ({ files }, { pick }) => ({ path: { file: files[pick % files.length] ?? '' } }),
  'POST /v1/auth/register': () => {
    const username = `ü${crypto.randomUUID()}`
    return { body: { username, email: `${username}@example.com`, password } }
  },
  'POST /v1/auth/login': (things, { pick }) => {
    const { username, email } = things.resident(pick)
    return { body: { username: pick % 2 === 0 ? username : email, password } }
  },
  'POST /v1/auth/refresh': async (things) => {
    const { refreshToken } = await things.spareAccount()
    return { body: { refreshToken } }
  },
  'POST /v1/auth/reset': (things) =>
    // Of an account that no other request logs in.
    things.spareAccount().then(async (account) => ({
      body: { token: await things.resetToken(account), newPassword: 'another horse' },
    })),
  'DELETE /v1/auth/me': (things) => asSpare(things, () => ({ body: { password } })),
  'DELETE /v1/auth/sessions/{id}': async (things, { pick }) => {
    const { id, owner } = await things.take('sessions', pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/auth/password': (things, { body }) =>
    asSpare(things, () => ({ body: { ...asRecord(body), currentPassword: password, newPassword: 'another horse' } })),
  'DELETE /v1/api-keys/{id}': async (things, { pick }) => {
    const { id, owner } = await things.take('keys', pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/api-keys': (things, { body, pick }) => ({
    account: things.resident(pick),
    body: { ...asRecord(body), scopes: ['read', 'write'].slice(pick % 2), expiresAt: '2100-01-01T00:00:00Z' },
  }),
  'GET /v1/workflows/{id}': inWorkflow,
  'PATCH /v1/workflows/{id}': async (things, drawn) => {
    const { changeNotes, ...body } = asRecord(drawn.body)
    const isNoted = 'definition' in body && changeNotes !== undefined
    return { ...(await inWorkflow(things, drawn)), body: isNoted ? { ...body, changeNotes } : body }
  },
  'DELETE /v1/workflows/{id}': async (things, { pick }) => {
    const { id, owner } = await things.ownWorkflow(pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/workflows/{id}/transfer': async (things, { pick }) => {
    const { id, owner } = await things.ownWorkflow(pick)
    return { account: owner, path: { id }, body: { username: things.another(owner, pick).username } }
  },
  'GET /v1/workflows/{id}/versions': inWorkflow,
  'GET /v1/workflows/{id}/versions/{n}': inWorkflow,
  'POST /v1/workflows/{id}/versions/{n}/restore': inWorkflow,
  'GET /v1/workflows/{id}/versions/{a}/diff/{b}': inWorkflow,
  'GET /v1/workflows/{id}/shares': inWorkflow,
  'POST /v1/workflows/{id}/shares': async (things, drawn) => {
    const { id, owner } = await things.some('workflows', drawn.pick)
    const { permission } = asRecord(drawn.body)
    const other = things.another(owner, drawn.pick)
    const named = drawn.pick % 2 === 0 ? { username: other.username } : { userId: other.id }
    return { account: owner, path: { id }, body: { permission, ...named } }
  },
  'DELETE /v1/workflows/{id}/shares/{userId}': async (things, { pick }) => {
    const { id: userId, owner, within = '' } = await things.take('shares', pick)
    return { account: owner, path: { id: within, userId } }
  },
  'POST /v1/workflows/{id}/executions': inWorkflow,
  'GET /v1/executions': async (things, { pick }) => {
    const { id, owner } = await things.some('workflows', pick)
    return { account: owner, query: pick % 3 === 0 ? { workflowId: id } : {} }
  },
  'GET /v1/executions/{id}': async (things, { pick }) => {
    const { id, owner } = await things.some('pending', pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/executions/claim': async (things, { body, pick }) => {
    const { id, owner } = await things.some('workflows', pick)
    return { account: owner, body: { ...asRecord(body), workflowIds: [id] } }
  },
  'POST /v1/executions/{id}/heartbeat': async (things, { body, pick }) => {
    const { id, owner, fence } = await things.take('running', pick)
    return { account: owner, path: { id }, body: { ...asRecord(body), leaseSeconds: 3600, fence } }
  },
  'PATCH /v1/executions/{id}': async (things, { body, pick }) => {
    const { id, owner, fence } = await things.take('running', pick)
    const { dueAt, waitFor, afterSeq, ...rest } = asRecord(body)
    const isLater = rest['status'] === 'paused' || rest['status'] === 'pending'
    const due = isLater && dueAt !== undefined ? { dueAt } : {}
    const signal = rest['status'] === 'paused' && waitFor !== undefined ? { waitFor, afterSeq } : {}
    return { account: owner, path: { id }, body: { ...rest, ...due, ...signal, leaseSeconds: 3600, fence } }
  },
  'DELETE /v1/executions/{id}': async (things, { pick }) => {
    const { id, owner } = await things.take('ended', pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/executions/{id}/steps': async (things, { body, pick }) => {
    const { id, owner, fence } = await things.take('running', pick)
    const steps = listOf(asRecord(body)['steps']).map((drawn, index) => {
      const { output = null, error, ...step } = drawn
      const outcome = error === undefined || index % 2 === 0 ? { output } : { error }
      return { ...step, key: `${index} ${String(step['key'])}.`, ...outcome }
    })
    return { account: owner, path: { id }, body: { fence, steps, leaseSeconds: 3600 } }
  },
  'GET /v1/executions/{id}/steps': inRecorded,
  'GET /v1/executions/{id}/steps/{key}': inRecorded,
  'GET /v1/executions/{id}/history': inRecorded,
  'GET /v1/executions/{id}/signals': inRecorded,
  'GET /v1/executions/{id}/events': inRecorded,
  'POST /v1/executions/{id}/signals': async (things, { pick }) => {
    const { id, owner } = await things.take('pending', pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/executions/{id}/cancel': async (things, { pick }) => {
    const { id, owner } = await things.take('pending', pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/executions/{id}/resume': async (things, { pick }) => {
    const { id, owner } = await things.take('paused', pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/executions/{id}/retry': async (things, { pick }) => {
    const { id, owner } = await things.take('ended', pick)
    return { account: owner, path: { id } }
  },
  'GET /v1/workflows/{id}/schedules': inWorkflow,
  'POST /v1/workflows/{id}/schedules': async (things, drawn) => ({
    ...(await inWorkflow(things, drawn)),
    body: { ...asRecord(drawn.body), ...timetable(drawn.pick) },
  }),
  'GET /v1/schedules/{id}': inSchedule,
  'PATCH /v1/schedules/{id}': async (things, drawn) => {
    const { cron, timeZone: _, ...body } = asRecord(drawn.body)
    const changed = cron === undefined ? body : { ...body, ...timetable(drawn.pick) }
    return { ...(await inSchedule(things, drawn)), body: changed }
  },
  'DELETE /v1/schedules/{id}': async (things, { pick }) => {
    const { id, owner } = await things.take('schedules', pick)
    return { account: owner, path: { id } }
  },
  'POST /v1/settings/reveal': (things) =>
    // Of a user whose settings nothing else writes.
    things.secretKeeper().then((account) => ({ account, body: { pointer: '/service/token' } })),
  'GET /v1/admin/status': asAdministrator,
  'GET /v1/admin/users': asAdministrator,
  'GET /v1/admin/backups': asAdministrator,
  'POST /v1/admin/backups': asAdministrator,
  'GET /v1/admin/backups/{name}': async (things) => {
    await things.takenBackup()
    return { token: things.scopedKeys['admin'] ?? '', path: { name: 'latest' } }
  },
  'PATCH /v1/admin/users/{id}': async (things) => ({
    token: things.scopedKeys['admin'] ?? '',
    path: { id: (await things.spareAccount()).id },
  }),
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(asRecord) : []
}

/** What fills a request of the operation. */
export async function fillingOf(operation: Operation, things: Things, drawn: Drawn): Promise<Filling> {
  const filling = await fillings[operation.name]?.(things, drawn)
  if (filling !== undefined) return filling
  return operation.security === 'open' ? {} : { account: things.resident(drawn.pick) }
}
