import { newId } from '@millrace/api/ids'
import { dueSchedules, passOver } from '@millrace/db/repositories/schedules/serve'
import { takeSlot } from '@millrace/db/store/time-slot'
import { commands } from './commands.ts'
import { ofJobs } from './jobs.ts'
import type { Stage } from './stage.ts'
import type { World } from './world.ts'
import { table, type Write } from './write.ts'

/* Writes that are made alone, right after something else: by hand, or by requests of the same caller. */

type Before = (stage: Stage, world: World) => Promise<unknown>

function behind(before: Before, writes: readonly Write[]): readonly Write[] {
  return writes.map((write) => ({
    ...write,
    changes: [],
    reads: [],
    async act(stage, world) {
      await before(stage, world)
      return write.act(stage, world)
    },
  }))
}

/** In the SQL of every dialect. */
function byHand(statements: (world: World) => string): Before {
  return (stage, world) => stage.ground.execute(statements(world))
}

const serving = (name: string): readonly Write[] =>
  ofJobs.filter((job) => job.name === 'serve the schedules').map((job) => ({ ...job, name }))

const served = [
  ...behind(
    byHand(
      (world) =>
        `update users set disabled_at = created_at where id = '${world.id('alice')}';
         update schedules set last_execution_id = '${world.id('ended')}' where id = '${world.id('schedule.skipping')}'`,
    ),
    serving('serve what skips, whose last execution has ended and whose maker is disabled'),
  ),
  ...behind(
    byHand(
      (world) =>
        `update users set disabled_at = created_at where id = '${world.id('carol')}';
         delete from workflow_shares where shared_with_user_id = '${world.id('bob')}'`,
    ),
    serving('serve what bob may start no more while carol is disabled'),
  ),
]

/** Names that nobody has, as many as are let through. */
const mostLookups = 5

const transferred = behind(
  async (stage, world) => {
    for (let typed = 0; typed < mostLookups; typed += 1) {
      const options = { body: { username: `nobody ${typed}` }, ifMatch: '*' }
      await stage.send(world.request('alice', 'POST', '/v1/workflows/{wf}/transfer', options))
    }
  },
  table({
    'transfer to bob behind too many unknown names': {
      by: 'alice',
      send: 'POST /v1/workflows/{wf}/transfer',
      body: { username: 'bob' },
      ifMatch: '*',
    },
  }),
)

/** With the six of the world, one less than are let through within an hour. */
const mostShares = 93

const shared = behind(
  byHand((world) => {
    const of = (_: unknown, index: number) =>
      `select 'share ${index}', 'share', id, '', created_at from users where id = '${world.id('alice')}'`
    const attempts = Array.from({ length: mostShares }, of).join(' union all ')
    return `insert into login_attempts (id, kind, name_key, network, attempted_at) ${attempts}`
  }),
  table({
    'share with dave, the last that is let through': {
      by: 'alice',
      send: 'POST /v1/workflows/{wf}/shares',
      body: { username: 'dave', permission: 'view' },
    },
  }),
)

const patched = behind(
  byHand((world) => `delete from workflow_versions where workflow_id = '${world.id('wf')}' and version_number = 2`),
  table({
    'patch at an earlier revision what has lost its newest version': {
      by: 'alice',
      send: 'PATCH /v1/workflows/{wf}',
      body: { definition: { n: 3 } },
      ifMatch: '"1"',
    },
  }),
)

/** Its caller's standing ends between the settings that it has read and the event. */
export const revealing = behind(
  (stage, world) => {
    const data = { token: { $secret: 'a plain secret text' } }
    return stage.send(world.request('alice', 'PUT', '/v1/settings', { body: { data } }))
  },
  table({ 'reveal a secret': { by: 'alice', send: 'POST /v1/settings/reveal', body: { pointer: '/token' } } }),
)

const ofJobsAlone = commands({
  'pass a time of a schedule over': {
    async run(store, { id, at }) {
      const due = await dueSchedules(store, { at, limit: 10 })
      for (const schedule of due.filter((one) => one.id === id('schedule.skipping'))) {
        await passOver(store, { schedule, nextAt: null, because: 'unfinished', operation: newId(at) })
      }
    },
  },
  'take the slot of a job': {
    run: (store, { at }) => takeSlot(store, { job: 'another job', slot: at, owner: 'a process', now: at }),
  },
})

export const writesAfter: readonly Write[] = [
  ...served,
  ...transferred,
  ...shared,
  ...patched,
  ...revealing,
  ...table({
    'share less with bob under a key': {
      by: 'alice',
      send: 'POST /v1/workflows/{wf}/shares',
      body: { username: 'bob', permission: 'view' },
      key: 'less',
    },
    'transfer to bob by an administrator': {
      by: 'root',
      send: 'POST /v1/workflows/{wf}/transfer',
      body: { username: 'bob' },
      ifMatch: '*',
    },
  }),
  ...ofJobsAlone,
]
