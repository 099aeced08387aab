import { sha256Hex } from '@millrace/api/digest'
import { restoreError } from '@millrace/db/access/access'
import { removeApiKey } from '@millrace/db/repositories/accounts/api-key-administration'
import { touchApiKey } from '@millrace/db/repositories/accounts/api-keys'
import { removeUser } from '@millrace/db/repositories/accounts/removal'
import { setDisabled, setPassword, setRole } from '@millrace/db/repositories/accounts/user-administration'
import { readSettingsOf, resealSettings } from '@millrace/db/repositories/settings/resealing'
import { documentOf } from '../executions/kit.ts'
import { commands } from './commands.ts'
import { beginRestore, holdRunning } from './jobs.ts'
import { password } from './world.ts'
import { table, type Write } from './write.ts'
import { writesAfter } from './writes-after.ts'
import { ofBackups, ofBackupsAlone } from './writes-of-backups.ts'

/* Writes that are made alone: those that are refused, or do nothing, and those that no pair needs. */

/** Of the command line, and those that need a bucket. */
export const ofCommands: readonly Write[] = [
  ...commands({
    'disable bob by a command': {
      run: (store, { id, ...input }) => setDisabled(store, { id: id('bob'), isDisabled: true, ...input }),
    },
    'enable bob, who is enabled, by a command': {
      run: (store, { id, ...input }) => setDisabled(store, { id: id('bob'), isDisabled: false, ...input }),
    },
    'promote bob by a command': {
      run: (store, { id, ...input }) => setRole(store, { id: id('bob'), role: 'admin', ...input }),
    },
    'promote root, who is an administrator, by a command': {
      run: (store, { id, ...input }) => setRole(store, { id: id('root'), role: 'admin', ...input }),
    },
    "set alice's password by a command": {
      run: (store, { id, ...input }) => setPassword(store, { id: id('alice'), passwordHash: 'a hash', ...input }),
    },
    'delete a key by a command': {
      run: (store, { id, ...input }) => removeApiKey(store, { id: id('key.alice.key'), userId: id('alice'), ...input }),
    },
    "reseal alice's settings by a command": {
      async run(store, { id, eventId, at }) {
        const before = await readSettingsOf(store, id('alice'))
        if (before === undefined) throw new Error('alice has no settings')
        const resealed = { data: documentOf('{"resealed":true}'), secrets: 1, operation: eventId, at }
        if (!(await resealSettings(store, before, resealed))) throw restoreError()
      },
    },
    'delete erin by a command': {
      run: (store, { id, ...input }) => removeUser(store, { userId: id('erin'), ...input }),
    },
    'delete dave, who owns a workflow, by a command': {
      run: (store, { id, ...input }) => removeUser(store, { userId: id('dave'), ...input }),
    },
  }),
  ...ofBackupsAlone,
]

const duringRestore = [...ofCommands, ...ofBackups].map((command): Write => ({
  ...command,
  name: `${command.name}, during a restore`,
  async act(stage, world) {
    await beginRestore.act(stage, world)
    return command.act(stage, world)
  },
}))

/** Several requests, of which the last ones are to do nothing. */
const ofSessions: readonly Write[] = [
  {
    name: 'reuse a refresh token twice, and log out with it',
    changes: [],
    reads: [],
    async act(stage, world) {
      const post = (path: string, body: object) =>
        stage.send(world.request('nobody', 'POST', `/v1/auth/${path}`, { body }))
      const { body } = await post('login', { username: 'admin', password })
      const { refreshToken } = JSON.parse(body) as { readonly refreshToken: string }
      for (let used = 0; used < 3; used += 1) await post('refresh', { refreshToken })
      return post('logout', { refreshToken })
    },
  },
  {
    name: 'note a use of an API key that another process has noted',
    changes: [],
    reads: [],
    act(stage, world) {
      const { headers } = world.request('alice.key', 'GET', '/')
      const keySha256 = sha256Hex((headers['Authorization'] ?? '').replace('Bearer ', ''))
      return stage.work(({ store, clock }) => {
        const at = clock()
        return touchApiKey(store, { keySha256, at, before: new Date(at.getTime() - 3_600_000) })
      })
    },
  },
  {
    name: 'read by an API key, five minutes later',
    changes: [],
    reads: [],
    act(stage, world) {
      stage.setClock(new Date(Date.now() + 300_000))
      return stage.send(world.request('alice.key', 'GET', '/v1/workflows'))
    },
  },
]

const ofAccounts = table({
  'log in as bob, whose hash is of another cost': {
    by: 'nobody',
    send: 'POST /v1/auth/login',
    body: { username: 'bob', password },
  },
  'fail once more as dave': {
    by: 'nobody',
    send: 'POST /v1/auth/login',
    body: { username: 'dave', password: 'wrong password' },
  },
  'fail once more under a name that nobody has': {
    by: 'nobody',
    send: 'POST /v1/auth/login',
    body: { username: 'mallory', password: 'wrong password' },
  },
  'fail again as carol': {
    by: 'nobody',
    send: 'POST /v1/auth/login',
    body: { username: 'carol', password: 'wrong password' },
  },
  "end another's session": { by: 'alice', send: 'DELETE /v1/auth/sessions/{session.bob}' },
  "delete another's key": { by: 'alice', send: 'DELETE /v1/api-keys/{key.erin.key}' },
  'promote root, who is an administrator': {
    by: 'admin',
    send: 'PATCH /v1/admin/users/{root}',
    body: { role: 'admin', disabled: false },
  },
  'leave while owning a workflow': { by: 'alice', send: 'DELETE /v1/auth/me', body: { password } },
})

/** What no pair needs, but asks of its caller what no other write does. */
export const writesOfCallers = table({
  'put first settings': { by: 'bob', send: 'PUT /v1/settings', body: { data: { n: 1 } } },
  'merge first settings': { by: 'carol', send: 'PATCH /v1/settings', body: { n: 2 } },
  'batch of one': {
    by: 'alice',
    send: 'POST /v1/workflows/batch',
    body: { items: [{ name: 'only', definition: {} }] },
  },
  'share as it is under a key': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/shares',
    body: { username: 'bob', permission: 'edit' },
    key: 'as it is',
  },
})

const ofExecutions = table({
  'cancel what has ended': { by: 'alice', send: 'POST /v1/executions/{ended}/cancel' },
  'resume what runs': { by: 'alice', send: 'POST /v1/executions/{running}/resume' },
  'signal what has ended': { by: 'alice', send: 'POST /v1/executions/{ended}/signals', body: { name: 'go' } },
  'complete under an earlier fence': {
    by: 'alice',
    send: 'PATCH /v1/executions/{running}',
    body: { fence: 0, status: 'completed' },
  },
  'complete what is paused': {
    by: 'alice',
    send: 'PATCH /v1/executions/{paused}',
    body: { fence: 1, status: 'completed' },
  },
})

const revealed: Write = {
  name: 'reveal a secret as one who is disabled',
  changes: [],
  reads: [],
  async act(stage, world) {
    const data = { token: { $secret: 'a plain secret text' } }
    await stage.send(world.request('alice', 'PUT', '/v1/settings', { body: { data } }))
    await stage.ground.execute(`update users set disabled_at = created_at where username = 'alice'`)
    return stage.send(world.request('alice', 'POST', '/v1/settings/reveal', { body: { pointer: '/token' } }))
  },
}

const any = '*'

const ofWorkflows = table({
  'patch what one was given': {
    by: 'alice',
    send: 'PATCH /v1/workflows/{given}',
    body: { name: 'taken' },
    ifMatch: any,
  },
  'start what one was given': { by: 'alice', send: 'POST /v1/workflows/{given}/executions', body: {} },
  'start what another was given': { by: 'dave', send: 'POST /v1/workflows/{given}/executions', body: {} },
  'schedule what one was given': {
    by: 'alice',
    send: 'POST /v1/workflows/{given}/schedules',
    body: { name: 'hourly', cron: '@hourly' },
  },
  'schedule what another was given': {
    by: 'dave',
    send: 'POST /v1/workflows/{given}/schedules',
    body: { name: 'hourly', cron: '@hourly' },
  },
  'patch to what it is': {
    by: 'alice',
    send: 'PATCH /v1/workflows/{wf}',
    body: { name: 'wf', definition: { n: 2 } },
    ifMatch: any,
  },
  'share as it is': {
    by: 'alice',
    send: 'POST /v1/workflows/{wf}/shares',
    body: { username: 'bob', permission: 'edit' },
  },
  'unshare bob from other': { by: 'dave', send: 'DELETE /v1/workflows/{other}/shares/{bob}' },
  'cancel the execution of other': { by: 'bob', send: 'POST /v1/executions/{other.pending}/cancel' },
  "claim another's": {
    by: 'alice',
    send: 'POST /v1/executions/claim',
    body: { worker: 'x', workflowIds: ['{id other}'] },
  },
})

/** Every write that is only made alone. */
export const writesAlone: readonly Write[] = [
  ...ofCommands,
  ...duringRestore,
  ...ofSessions,
  ...ofAccounts,
  revealed,
  holdRunning,
  ...writesOfCallers,
  ...ofWorkflows,
  ...ofExecutions,
  ...writesAfter,
]
