import type { UserCaller } from '@millrace/db/access/access'
import { checkDocument, type DocumentText } from '@millrace/db/document'
import { createExecution, type NewExecution } from '@millrace/db/repositories/executions/create'
import { claimExecutions, type Claim, type ClaimedExecution } from '@millrace/db/repositories/executions/claim'
import type { ExecutionView } from '@millrace/db/repositories/executions/executions'
import { registerUser } from '@millrace/db/repositories/accounts/users'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import type { SharePermission } from '@millrace/db/schema/schema'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import type { ReachedDatabase } from '../database.ts'

/** The tests' clock: a moment, and moments after it. */
export const start = new Date('2026-03-01T12:00:00.000Z')

export function after(seconds: number): Date {
  return new Date(start.getTime() + seconds * 1000)
}

export function documentOf(text: string): DocumentText {
  const checked = checkDocument(text)
  if (!checked.ok) throw new Error('this is no document')
  return checked.text
}

export async function createUser(store: Store, role: 'user' | 'admin' = 'user'): Promise<UserCaller> {
  const id = randomUUID()
  const name = `user-${id}`
  const made = await registerUser(store, {
    id,
    username: name,
    usernameKey: name,
    email: `${name}@example.org`,
    emailKey: `${name}@example.org`,
    passwordHash: 'none',
    role,
    createdAt: start,
  })
  if (!made.ok) throw new Error(made.refusal)
  return { kind: 'user', userId: id, issuedAt: after(1), mayAdminister: true }
}

export async function createWorkflow(store: Store, owner: UserCaller, definition = '{}'): Promise<string> {
  const id = randomUUID()
  const workflow = {
    id,
    versionId: randomUUID(),
    name: `workflow ${id}`,
    description: null,
    definition: documentOf(definition),
    isPublic: false,
    createdAt: start,
  }
  const made = await createWorkflows(store, owner, [workflow])
  if (!made.ok) throw new Error(made.refusal)
  return id
}

/** A new user with a workflow. */
export async function ownerWithWorkflow(
  store: Store,
  definition?: string,
): Promise<{ owner: UserCaller; workflowId: string }> {
  const owner = await createUser(store)
  return { owner, workflowId: await createWorkflow(store, owner, definition) }
}

export async function startExecution(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  given: Partial<NewExecution> = {},
): Promise<ExecutionView> {
  const made = await createExecution(store, caller, workflowId, {
    id: randomUUID(),
    input: null,
    dueAt: null,
    maxAttempts: 3,
    createdAt: start,
    ...given,
  })
  if (!made.ok) throw new Error(made.refusal)
  return made.value
}

export function claimOf(given: Partial<Claim> = {}): Claim {
  return {
    operation: randomUUID(),
    worker: 'worker',
    limit: 1,
    at: after(10),
    leaseUntil: after(70),
    workflowIds: undefined,
    ...given,
  }
}

export async function claim(
  store: Store,
  caller: UserCaller,
  given: Partial<Claim> = {},
): Promise<readonly ClaimedExecution[]> {
  const claimed = await claimExecutions(store, caller, claimOf(given))
  if (!claimed.ok) throw new Error(claimed.refusal)
  return claimed.value.items
}

/** Gives a user a permission on a workflow, in place of the one it had. */
export async function share(
  reached: Pick<ReachedDatabase, 'raw'>,
  workflowId: string,
  user: UserCaller,
  permission: SharePermission,
): Promise<void> {
  const { raw } = reached
  const moment = raw.dialect === 'sqlite' ? String(start.getTime()) : `'2026-03-01 12:00:00'`
  await raw.query(
    `delete from workflow_shares where workflow_id = '${workflowId}' and shared_with_user_id = '${user.userId}'`,
  )
  await raw.query(
    `insert into workflow_shares (id, workflow_id, shared_with_user_id, permission, created_at) values ('${randomUUID()}', '${workflowId}', '${user.userId}', '${permission}', ${moment})`,
  )
}
