import { tellRows } from './effects.ts'
import { table, type Write } from './write.ts'
import { ofAccounts } from './writes-of-accounts.ts'
import { ofWorkflows } from './writes-of-workflows.ts'

/*
 * What ends a standing or a permission, and a look at the rows when that is answered. Whatever rested on it is there by
 * then, or is never done: a pair of single writes can't tell, since the one that is late is as if it had come first.
 */

const ofOthers = table({
  'unshare bob from work': { by: 'alice', send: 'DELETE /v1/workflows/{work}/shares/{bob}' },
  'transfer to bob by root': {
    by: 'root',
    send: 'POST /v1/workflows/{wf}/transfer',
    body: { username: 'bob' },
    ifMatch: '*',
  },
})

/** Tables of what rests on a standing. */
const looked = [
  'workflows',
  'workflow_versions',
  'workflow_shares',
  'executions',
  'schedules',
  'backups',
  'settings',
  'password_resets',
]

const endings = ['disable alice', 'disable bob', 'demote root', 'unshare bob']
const isEnding = ({ name }: Write): boolean => endings.includes(name)

/** `disable alice, and look`: in no pair, but failed-schedules.txt names some. */
export const writesAndLooks: readonly Write[] = [...[...ofAccounts, ...ofWorkflows].filter(isEnding), ...ofOthers].map(
  (write): Write => ({
    ...write,
    name: `${write.name}, and look`,
    async act(stage, world) {
      const answer = await write.act(stage, world)
      const seen = tellRows(await stage.ground.rows(), world.names, looked)
      return { ...answer, body: JSON.stringify({ answer: answer.body, seen }) }
    },
  }),
)
