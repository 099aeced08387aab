import { tellRows } from './effects.ts'
import { beginRestore } from './jobs.ts'
import { table, type Write } from './write.ts'
import { ofAccounts } from './writes-of-accounts.ts'
import { ofWorkflows } from './writes-of-workflows.ts'

/*
 * What ends a standing or a permission, and a look at the rows when that is answered. Whatever rested on it is there by
 * then, or is never done: a pair of single writes can't tell, since the one that is late is as if it had come first.
 */

const ofOthers = table({
  'unshare bob from work': {
    by: 'alice',
    send: 'DELETE /v1/workflows/{work}/shares/{bob}',
    changes: ['share bob'],
    reads: ['work'],
  },
  'transfer to bob by root': {
    by: 'root',
    send: 'POST /v1/workflows/{wf}/transfer',
    body: { username: 'bob' },
    ifMatch: '*',
    changes: ['wf'],
  },
  'transfer work to bob by root': {
    by: 'root',
    send: 'POST /v1/workflows/{work}/transfer',
    body: { username: 'bob' },
    ifMatch: '*',
    changes: ['work'],
  },
})

/** Tables of what rests on a standing, and what else a heartbeat and a report of state write. */
const looked = {
  users: [],
  workflows: [],
  workflow_versions: [],
  workflow_shares: [],
  executions: ['lease_until', 'state'],
  execution_history: [],
  schedules: [],
  backups: [],
  settings: [],
  audit: [],
  password_resets: [],
}

const endings = [
  'disable alice',
  'disable bob',
  'demote root',
  'delete the worker key',
  'log out of the first',
  'unshare bob',
]
const isEnding = ({ name }: Write): boolean => endings.includes(name)

const endingsAlone = [...ofAccounts, ...ofWorkflows].filter(isEnding)

/** `disable alice, and look`: meets the writes to executions, and others by name in failed-schedules.txt. */
export const endingsAndLooks: readonly Write[] = [...endingsAlone, ...ofOthers].map(andLook)

/** Every write rests on it. A restore looks whether there are rows. */
export const beginRestoreAndLook: Write = andLook(beginRestore)

export const writesAndLooks: readonly Write[] = [...endingsAndLooks, beginRestoreAndLook]

function andLook(write: Write): Write {
  return {
    ...write,
    name: `${write.name}, and look`,
    async act(stage, world) {
      const answer = await write.act(stage, world)
      const seen = tellRows(await stage.ground.rows(), world.names, looked)
      return { ...answer, body: JSON.stringify({ answer: answer.body, seen }) }
    },
  }
}
