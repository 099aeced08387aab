import type { Sent } from './stage.ts'
import { password, type RequestOptions, type Sender, type World } from './world.ts'

/**
 * A write of the API on the world, and what it meets: the rows that it changes, and those that it reads to decide. Two
 * writes can meet where one changes what the other changes or reads.
 */
export interface Write {
  readonly name: string
  readonly changes: readonly string[]
  readonly reads: readonly string[]
  request(world: World): Sent
}

interface Described extends RequestOptions {
  readonly by: Sender
  readonly send: string
  readonly changes?: readonly string[]
  readonly reads?: readonly string[]
}

/** What a sender's standing rests on. */
const standing: Readonly<Record<Sender, readonly string[]>> = {
  alice: ['user alice', 'session alice'],
  'alice.second': ['user alice', 'session second'],
  'alice.key': ['user alice', 'key alice'],
  'alice.worker': ['user alice', 'key worker'],
  bob: ['user bob', 'share bob'],
  carol: ['user carol', 'share carol'],
  dave: ['user dave'],
  erin: ['user erin', 'share erin'],
  'erin.key': ['user erin', 'share erin', 'key erin'],
  root: ['user root', 'administrators'],
  'root.key': ['user root', 'administrators', 'key root'],
  admin: ['user admin', 'administrators'],
  nobody: [],
}

function table(described: Readonly<Record<string, Described>>): readonly Write[] {
  return Object.entries(described).map(([name, { by, send, changes = [], reads = [], ...options }]) => {
    const [method = '', path = ''] = send.split(' ')
    return {
      name,
      changes,
      reads: [...reads, ...standing[by]],
      request: (world) => world.request(by, method, path, options),
    }
  })
}

const wf = ['wf']
const any = '*'

const ofWorkflows = table({
  create: {
    by: 'alice',
    send: 'POST /v1/workflows',
    body: { name: 'new', definition: {} },
    changes: ['workflows of alice'],
  },
  'create under a key': {
    by: 'alice',
    send: 'POST /v1/workflows',
    body: { name: 'new', definition: {} },
    key: 'create',
    changes: ['workflows of alice', 'idempotency create'],
  },
  'create by an API key': {
    by: 'alice.key',
    send: 'POST /v1/workflows',
    body: { name: 'new', definition: {} },
    changes: ['workflows of alice'],
  },
  'create by erin': {
    by: 'erin',
    send: 'POST /v1/workflows',
    body: { name: 'new', definition: {} },
    changes: ['workflows of erin'],
  },
  'batch by an API key': {
    by: 'alice.key',
    send: 'POST /v1/workflows/batch',
    body: { items: [1, 2, 3].map((n) => ({ name: `new ${n}`, definition: { n } })) },
    changes: ['workflows of alice'],
  },
  'batch under a key': {
    by: 'alice',
    send: 'POST /v1/workflows/batch',
    body: { items: [1, 2].map((n) => ({ name: `new ${n}`, definition: { n } })) },
    key: 'batch',
    changes: ['workflows of alice', 'idempotency batch'],
  },
  patch: { by: 'alice', send: 'PATCH /v1/workflows/{wf}', body: { definition: { n: 3 } }, ifMatch: any, changes: wf },
  'patch at a revision': {
    by: 'alice',
    send: 'PATCH /v1/workflows/{wf}',
    body: { definition: { n: 4 } },
    ifMatch: '"2"',
    changes: wf,
  },
  'patch by bob': {
    by: 'bob',
    send: 'PATCH /v1/workflows/{wf}',
    body: { definition: { n: 5 } },
    ifMatch: any,
    changes: wf,
  },
  'patch by erin': {
    by: 'erin',
    send: 'PATCH /v1/workflows/{wf}',
    body: { definition: { n: 6 } },
    ifMatch: any,
    changes: wf,
  },
  'patch by an API key': {
    by: 'alice.key',
    send: 'PATCH /v1/workflows/{wf}',
    body: { definition: { n: 7 } },
    ifMatch: any,
    changes: wf,
  },
  'patch by an administrator': {
    by: 'root',
    send: 'PATCH /v1/workflows/{wf}',
    body: { definition: { n: 8 } },
    ifMatch: any,
    changes: wf,
  },
  rename: { by: 'alice', send: 'PATCH /v1/workflows/{wf}', body: { name: 'renamed' }, ifMatch: any, changes: wf },
  publish: { by: 'alice', send: 'PATCH /v1/workflows/{wf}', body: { isPublic: true }, ifMatch: any, changes: wf },
  delete: {
    by: 'alice',
    send: 'DELETE /v1/workflows/{wf}',
    ifMatch: any,
    changes: ['wf', 'share bob', 'share carol', 'share erin', 'shares of wf', 'executions of wf', 'ended'],
  },
  'delete at a revision': {
    by: 'alice',
    send: 'DELETE /v1/workflows/{wf}',
    ifMatch: '"2"',
    changes: ['wf', 'share bob', 'share carol', 'share erin', 'shares of wf', 'executions of wf', 'ended'],
  },
  'delete by an API key': {
    by: 'alice.key',
    send: 'DELETE /v1/workflows/{wf}',
    ifMatch: any,
    changes: ['wf', 'shares of wf', 'executions of wf', 'ended'],
  },
  'delete work': {
    by: 'alice',
    send: 'DELETE /v1/workflows/{work}',
    ifMatch: any,
    changes: ['work', 'executions of work', 'pending', 'running', 'paused'],
  },
  restore: { by: 'alice', send: 'POST /v1/workflows/{wf}/versions/1/restore', body: {}, ifMatch: any, changes: wf },
  'restore at a revision': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/versions/1/restore',
    body: {},
    ifMatch: '"2"',
    changes: wf,
  },
  'restore under a key': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/versions/1/restore',
    body: {},
    ifMatch: any,
    key: 'restore',
    changes: ['wf', 'idempotency restore'],
  },
  'restore by bob': {
    by: 'bob',
    send: 'POST /v1/workflows/{wf}/versions/1/restore',
    body: {},
    ifMatch: any,
    changes: wf,
  },
  'transfer to bob': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/transfer',
    body: { username: 'bob' },
    ifMatch: any,
    changes: ['wf', 'share bob', 'share alice', 'workflows of alice'],
    reads: ['user bob'],
  },
  'transfer to erin': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/transfer',
    body: { username: 'erin' },
    ifMatch: any,
    changes: ['wf', 'share erin', 'share alice', 'workflows of alice', 'workflows of erin'],
    reads: ['user erin'],
  },
  'transfer at a revision': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/transfer',
    body: { username: 'dave' },
    ifMatch: '"2"',
    changes: ['wf', 'share alice', 'workflows of alice'],
    reads: ['user dave'],
  },
  'share with dave': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/shares',
    body: { username: 'dave', permission: 'view' },
    changes: ['shares of wf', 'share dave'],
    reads: ['wf', 'user dave'],
  },
  'share with dave under a key': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/shares',
    body: { username: 'dave', permission: 'view' },
    key: 'share',
    changes: ['shares of wf', 'share dave', 'idempotency share'],
    reads: ['wf', 'user dave'],
  },
  'share otherwise with dave': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/shares',
    body: { username: 'dave', permission: 'edit' },
    changes: ['shares of wf', 'share dave'],
    reads: ['wf', 'user dave'],
  },
  'share less with bob': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/shares',
    body: { username: 'bob', permission: 'view' },
    changes: ['shares of wf', 'share bob'],
    reads: ['wf', 'user bob'],
  },
  'share by an API key': {
    by: 'alice.key',
    send: 'POST /v1/workflows/{wf}/shares',
    body: { username: 'dave', permission: 'view' },
    changes: ['shares of wf', 'share dave'],
    reads: ['wf', 'user dave'],
  },
  'share with erin': {
    by: 'alice',
    send: 'POST /v1/workflows/{spare}/shares',
    body: { username: 'erin', permission: 'edit' },
    changes: ['shares of spare'],
    reads: ['user erin'],
  },
  'unshare bob': { by: 'alice', send: 'DELETE /v1/workflows/{wf}/shares/{bob}', changes: ['share bob'], reads: ['wf'] },
  'unshare carol': {
    by: 'alice',
    send: 'DELETE /v1/workflows/{wf}/shares/{carol}',
    changes: ['share carol'],
    reads: ['wf'],
  },
  'unshare erin': {
    by: 'alice',
    send: 'DELETE /v1/workflows/{wf}/shares/{erin}',
    changes: ['share erin'],
    reads: ['wf'],
  },
  'unshare oneself': {
    by: 'bob',
    send: 'DELETE /v1/workflows/{wf}/shares/{bob}',
    changes: ['share bob'],
    reads: ['wf'],
  },
})

const ofExecutions = table({
  start: {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/executions',
    body: { input: 1 },
    changes: ['executions of wf'],
    reads: wf,
  },
  'start under a key': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/executions',
    body: { input: 1 },
    key: 'start',
    changes: ['executions of wf', 'idempotency start'],
    reads: wf,
  },
  'start by carol': {
    by: 'carol',
    send: 'POST /v1/workflows/{wf}/executions',
    body: { input: 2 },
    changes: ['executions of wf'],
    reads: wf,
  },
  'start by carol under a key': {
    by: 'carol',
    send: 'POST /v1/workflows/{wf}/executions',
    body: { input: 2 },
    key: 'start',
    changes: ['executions of wf', 'idempotency start of carol'],
    reads: wf,
  },
  'start by erin': {
    by: 'erin',
    send: 'POST /v1/workflows/{wf}/executions',
    body: { input: 3 },
    changes: ['executions of wf', 'executions of erin'],
    reads: wf,
  },
  'start by an API key': {
    by: 'alice.key',
    send: 'POST /v1/workflows/{wf}/executions',
    body: { input: 4 },
    changes: ['executions of wf'],
    reads: wf,
  },
  retry: {
    by: 'alice',
    send: 'POST /v1/executions/{ended}/retry',
    changes: ['executions of wf'],
    reads: ['wf', 'ended'],
  },
  'retry under a key': {
    by: 'alice',
    send: 'POST /v1/executions/{ended}/retry',
    key: 'retry',
    changes: ['executions of wf', 'idempotency retry'],
    reads: ['wf', 'ended'],
  },
  'retry by carol': {
    by: 'carol',
    send: 'POST /v1/executions/{ended}/retry',
    changes: ['executions of wf'],
    reads: ['wf', 'ended'],
  },
  'delete execution': { by: 'alice', send: 'DELETE /v1/executions/{ended}', changes: ['ended', 'executions of wf'] },
  claim: {
    by: 'alice',
    send: 'POST /v1/executions/claim',
    body: { worker: 'x', workflowIds: ['{id work}'] },
    changes: ['pending', 'executions of work'],
    reads: ['work'],
  },
  'claim five': {
    by: 'alice',
    send: 'POST /v1/executions/claim',
    body: { worker: 'y', limit: 5 },
    changes: ['pending', 'executions of work', 'executions of wf'],
    reads: ['work', 'wf'],
  },
  'claim by an API key': {
    by: 'alice.worker',
    send: 'POST /v1/executions/claim',
    body: { worker: 'z', workflowIds: ['{id work}'] },
    changes: ['pending', 'executions of work'],
    reads: ['work'],
  },
  'claim under a key': {
    by: 'alice',
    send: 'POST /v1/executions/claim',
    body: { worker: 'x', workflowIds: ['{id work}'] },
    key: 'claim',
    changes: ['pending', 'executions of work', 'idempotency claim'],
    reads: ['work'],
  },
  complete: {
    by: 'alice',
    send: 'PATCH /v1/executions/{running}',
    body: { fence: 1, status: 'completed', state: { a: 1 } },
    changes: ['running'],
    reads: ['work'],
  },
  fail: {
    by: 'alice.worker',
    send: 'PATCH /v1/executions/{running}',
    body: { fence: 1, status: 'failed', error: { code: 'x', message: 'y' } },
    changes: ['running'],
    reads: ['work'],
  },
  'write state': {
    by: 'alice.worker',
    send: 'PATCH /v1/executions/{running}',
    body: { fence: 1, state: { b: 2 } },
    changes: ['running'],
    reads: ['work'],
  },
  pause: {
    by: 'alice',
    send: 'PATCH /v1/executions/{running}',
    body: { fence: 1, status: 'paused' },
    changes: ['running'],
    reads: ['work'],
  },
  'give back': {
    by: 'alice',
    send: 'PATCH /v1/executions/{running}',
    body: { fence: 1, status: 'pending' },
    changes: ['running', 'executions of work'],
    reads: ['work'],
  },
  heartbeat: {
    by: 'alice.worker',
    send: 'POST /v1/executions/{running}/heartbeat',
    body: { fence: 1, leaseSeconds: 60 },
    changes: ['running'],
    reads: ['work'],
  },
  'cancel pending': {
    by: 'alice',
    send: 'POST /v1/executions/{pending}/cancel',
    changes: ['pending'],
    reads: ['work'],
  },
  'cancel running': {
    by: 'alice',
    send: 'POST /v1/executions/{running}/cancel',
    changes: ['running'],
    reads: ['work'],
  },
  'cancel running by bob': {
    by: 'bob',
    send: 'POST /v1/executions/{running}/cancel',
    changes: ['running'],
    reads: ['work'],
  },
  'cancel paused': { by: 'alice', send: 'POST /v1/executions/{paused}/cancel', changes: ['paused'], reads: ['work'] },
  resume: {
    by: 'alice',
    send: 'POST /v1/executions/{paused}/resume',
    changes: ['paused', 'executions of work'],
    reads: ['work'],
  },
  'resume by bob': {
    by: 'bob',
    send: 'POST /v1/executions/{paused}/resume',
    changes: ['paused', 'executions of work'],
    reads: ['work'],
  },
  'record steps': {
    by: 'alice.worker',
    send: 'POST /v1/executions/{running}/steps',
    body: {
      fence: 1,
      steps: [
        { key: 's1', output: 1 },
        { key: 's2', output: 2 },
      ],
    },
    changes: ['running'],
    reads: ['work'],
  },
  'record another step': {
    by: 'alice.worker',
    send: 'POST /v1/executions/{running}/steps',
    body: { fence: 1, steps: [{ key: 's1', output: 3 }] },
    changes: ['running'],
    reads: ['work'],
  },
  'signal running': {
    by: 'alice',
    send: 'POST /v1/executions/{running}/signals',
    body: { name: 'go', payload: 1 },
    changes: ['running'],
    reads: ['work'],
  },
  'signal paused': {
    by: 'bob',
    send: 'POST /v1/executions/{paused}/signals',
    body: { name: 'go' },
    changes: ['paused', 'executions of work'],
    reads: ['work'],
  },
  'wait for a signal': {
    by: 'alice',
    send: 'PATCH /v1/executions/{running}',
    body: { fence: 1, status: 'paused', waitFor: ['go'] },
    changes: ['running'],
    reads: ['work'],
  },
})

const ofAccounts = table({
  register: {
    by: 'nobody',
    send: 'POST /v1/auth/register',
    body: { username: 'frank', email: 'frank@example.com', password },
    changes: ['name frank'],
  },
  'register the same email': {
    by: 'nobody',
    send: 'POST /v1/auth/register',
    body: { username: 'frances', email: 'frank@example.com', password },
    changes: ['name frank'],
  },
  'log in': {
    by: 'nobody',
    send: 'POST /v1/auth/login',
    body: { username: 'alice', password },
    changes: ['sessions of alice'],
    reads: ['user alice', 'password of alice', 'attempts on alice'],
  },
  'log in with a wrong password': {
    by: 'nobody',
    send: 'POST /v1/auth/login',
    body: { username: 'alice', password: 'wrong password' },
    changes: ['attempts on alice'],
    reads: ['user alice', 'password of alice'],
  },
  'log in with the new password': {
    by: 'nobody',
    send: 'POST /v1/auth/login',
    body: { username: 'alice', password: 'new password' },
    changes: ['sessions of alice', 'attempts on alice'],
    reads: ['user alice', 'password of alice'],
  },
  'log in as erin': {
    by: 'nobody',
    send: 'POST /v1/auth/login',
    body: { username: 'erin', password },
    changes: ['sessions of erin'],
    reads: ['user erin'],
  },
  refresh: {
    by: 'nobody',
    send: 'POST /v1/auth/refresh',
    body: { refreshToken: '{refresh alice.second}' },
    changes: ['session second', 'sessions of alice'],
    reads: ['user alice', 'password of alice'],
  },
  'refresh with a used token': {
    by: 'nobody',
    send: 'POST /v1/auth/refresh',
    body: { refreshToken: '{refresh alice.used}' },
    changes: ['session second'],
    reads: ['user alice'],
  },
  'refresh as erin': {
    by: 'nobody',
    send: 'POST /v1/auth/refresh',
    body: { refreshToken: '{refresh erin}' },
    changes: ['sessions of erin'],
    reads: ['user erin'],
  },
  'log out': {
    by: 'nobody',
    send: 'POST /v1/auth/logout',
    body: { refreshToken: '{refresh alice.second}' },
    changes: ['session second'],
  },
  'log out of the first': {
    by: 'nobody',
    send: 'POST /v1/auth/logout',
    body: { refreshToken: '{refresh alice}' },
    changes: ['session alice'],
  },
  'end the other session': {
    by: 'alice',
    send: 'DELETE /v1/auth/sessions/{session.second}',
    changes: ['session second'],
  },
  'end the first session': {
    by: 'alice.second',
    send: 'DELETE /v1/auth/sessions/{session.alice}',
    changes: ['session alice'],
  },
  'change the password': {
    by: 'alice',
    send: 'POST /v1/auth/password',
    body: { currentPassword: password, newPassword: 'new password' },
    changes: ['user alice', 'password of alice', 'sessions of alice', 'session alice', 'session second'],
  },
  'change the password otherwise': {
    by: 'alice.second',
    send: 'POST /v1/auth/password',
    body: { currentPassword: password, newPassword: 'other password' },
    changes: ['user alice', 'password of alice', 'sessions of alice', 'session alice', 'session second'],
  },
  'change the password and end keys': {
    by: 'alice',
    send: 'POST /v1/auth/password',
    body: { currentPassword: password, newPassword: 'new password', endApiKeys: true },
    changes: [
      'user alice',
      'password of alice',
      'sessions of alice',
      'session alice',
      'session second',
      'key alice',
      'key worker',
      'keys of alice',
    ],
  },
  'create an API key': {
    by: 'alice',
    send: 'POST /v1/api-keys',
    body: { name: 'k', scopes: ['read'] },
    changes: ['keys of alice'],
  },
  'create an API key by a key': {
    by: 'alice.key',
    send: 'POST /v1/api-keys',
    body: { name: 'k', scopes: ['read'] },
    changes: ['keys of alice'],
  },
  'create an API key under a key': {
    by: 'alice',
    send: 'POST /v1/api-keys',
    body: { name: 'k', scopes: ['read'] },
    key: 'key',
    changes: ['keys of alice', 'idempotency key'],
  },
  'create an API key as erin': {
    by: 'erin',
    send: 'POST /v1/api-keys',
    body: { name: 'k', scopes: ['read'] },
    changes: ['keys of erin'],
  },
  'delete the API key': {
    by: 'alice',
    send: 'DELETE /v1/api-keys/{key.alice.key}',
    changes: ['key alice', 'keys of alice'],
  },
  'delete the worker key': {
    by: 'alice',
    send: 'DELETE /v1/api-keys/{key.alice.worker}',
    changes: ['key worker', 'keys of alice'],
  },
  'delete the API key by itself': {
    by: 'alice.key',
    send: 'DELETE /v1/api-keys/{key.alice.key}',
    changes: ['key alice', 'keys of alice'],
  },
  'delete the key of erin': {
    by: 'erin',
    send: 'DELETE /v1/api-keys/{key.erin.key}',
    changes: ['key erin', 'keys of erin'],
  },
  leave: {
    by: 'erin',
    send: 'DELETE /v1/auth/me',
    body: { password },
    changes: [
      'user erin',
      'share erin',
      'sessions of erin',
      'key erin',
      'keys of erin',
      'settings of erin',
      'workflows of erin',
      'executions of erin',
    ],
  },
  'put settings': {
    by: 'alice',
    send: 'PUT /v1/settings',
    body: { data: { theme: 'light' } },
    changes: ['settings of alice'],
  },
  'put settings at a revision': {
    by: 'alice',
    send: 'PUT /v1/settings',
    body: { data: { theme: 'blue' } },
    ifMatch: '"1"',
    changes: ['settings of alice'],
  },
  'merge settings': { by: 'alice', send: 'PATCH /v1/settings', body: { n: 2 }, changes: ['settings of alice'] },
  'merge other settings': {
    by: 'alice.key',
    send: 'PATCH /v1/settings',
    body: { more: true },
    changes: ['settings of alice'],
  },
  'put a secret': {
    by: 'alice',
    send: 'PUT /v1/settings',
    body: { data: { token: { $secret: 'a plain secret text' } } },
    changes: ['settings of alice'],
  },
  'put settings of erin': {
    by: 'erin',
    send: 'PUT /v1/settings',
    body: { data: { x: 1 } },
    changes: ['settings of erin'],
  },
  'merge settings of erin': {
    by: 'erin.key',
    send: 'PATCH /v1/settings',
    body: { y: 1 },
    changes: ['settings of erin'],
  },
  'disable alice': {
    by: 'root',
    send: 'PATCH /v1/admin/users/{alice}',
    body: { disabled: true },
    changes: ['user alice'],
  },
  'disable bob': { by: 'root', send: 'PATCH /v1/admin/users/{bob}', body: { disabled: true }, changes: ['user bob'] },
  'disable erin': {
    by: 'admin',
    send: 'PATCH /v1/admin/users/{erin}',
    body: { disabled: true },
    changes: ['user erin'],
  },
  'promote alice': {
    by: 'root',
    send: 'PATCH /v1/admin/users/{alice}',
    body: { role: 'admin' },
    changes: ['role of alice', 'administrators'],
  },
  'demote root': {
    by: 'admin',
    send: 'PATCH /v1/admin/users/{root}',
    body: { role: 'user' },
    changes: ['user root', 'administrators'],
  },
  'demote admin': {
    by: 'root',
    send: 'PATCH /v1/admin/users/{admin}',
    body: { role: 'user' },
    changes: ['user admin', 'administrators'],
  },
  'disable root': {
    by: 'admin',
    send: 'PATCH /v1/admin/users/{root}',
    body: { disabled: true },
    changes: ['user root', 'administrators'],
  },
  'disable admin by a key': {
    by: 'root.key',
    send: 'PATCH /v1/admin/users/{admin}',
    body: { disabled: true },
    changes: ['user admin', 'administrators'],
  },
})

/** Every write that the explorer steps. */
export const writes: readonly Write[] = [...ofWorkflows, ...ofExecutions, ...ofAccounts]
