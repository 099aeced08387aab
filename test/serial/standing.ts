import { Actor, Changes } from './actor.ts'
import { effectsOf } from './effects.ts'
import { writesOf } from './pairs.ts'
import { begin, type Theatre } from './run.ts'
import { drive, readSchedule } from './schedule.ts'
import type { Write } from './write.ts'
import { ofExecutions } from './writes-of-executions.ts'
import { ofSchedules } from './writes-of-schedules.ts'
import { ofWorkflows } from './writes-of-workflows.ts'
import { revealing } from './writes-after.ts'
import { ofCommands, writesOfCallers } from './writes-alone.ts'
import { writes } from './writes.ts'

/* What a caller's standing rests on ends, all of it at once, and then somebody writes. */

export interface Ending {
  readonly name: string
  /** By hand, for everybody, in the SQL of every dialect. */
  readonly statements: string
  /** Writes that must change nothing after it. */
  readonly writes: readonly Write[]
  /** Whether those who are refused may act still, so that what they were told is kept under their key. */
  readonly keepsRefusals?: boolean
}

const ofSomebody = [...writes, ...writesOfCallers, ...revealing].filter(
  ({ sender }) => sender !== undefined && sender !== 'nobody',
)
/** Whoever sends a refresh token shows in no other way who it is. */
const refreshes = ['refresh', 'refresh as erin'].flatMap(writesOf)
const isAdministrators = ({ sender }: Write) => sender?.startsWith('root') === true || sender === 'admin'
/** They change what is in no archive. */
const isNote = /^(?:(?:note|record a running|postpone|record a drill) |take the lease|sweep old keys)/
/** What is made has no owner yet. */
const making = /^(?:create|batch)(?: |$)(?!a schedule)/
const ofWhatIsOwned = [...ofWorkflows.filter(({ name }) => !making.test(name)), ...ofExecutions, ...ofSchedules]

export const endings: readonly Ending[] = [
  {
    name: 'everybody is disabled',
    statements: 'update users set disabled_at = created_at',
    writes: [...ofSomebody, ...refreshes],
  },
  {
    name: 'every session was reused, and every key is deleted',
    statements: 'update sessions set replaced_at = created_at; delete from api_keys',
    writes: ofSomebody,
  },
  {
    name: 'every password has been set since',
    // Behind every moment of the runs.
    statements: 'update users set tokens_valid_from = (select max(lease_until) from executions)',
    writes: [...ofSomebody.filter(({ sender }) => sender?.includes('.') === false), ...refreshes],
  },
  {
    name: 'nobody is an administrator',
    statements: `update users set role = 'user'`,
    writes: ofSomebody.filter(isAdministrators),
  },
  {
    name: 'nobody owns or shares a workflow',
    statements: `update workflows set owner_id = (select id from users where username = 'root'); delete from workflow_shares`,
    writes: ofWhatIsOwned.filter((write) => !isAdministrators(write)),
    keepsRefusals: true,
  },
  {
    name: 'a restore has begun',
    statements: `update marks set value = 'an archive' where name = 'restore'`,
    writes: [...writes, ...ofCommands].filter(({ name }) => name !== 'begin a restore' && !isNote.test(name)),
  },
]

/** @returns what the write does all the same; undefined where it is refused and changes nothing. */
export async function doneAfter(theatre: Theatre, ending: Ending, write: Write): Promise<string | undefined> {
  const { stage, world } = theatre
  await begin(theatre)
  await stage.ground.execute(ending.statements)
  const before = await stage.ground.rows()
  const { status } = await write.act(stage, world)
  const changed = await changedSince(theatre, before, ending)
  // A claim is given nothing, and a job or a command has nothing to do.
  const isRefused = status >= 400 || write.sender === undefined || write.name.startsWith('claim')
  return isRefused && changed.length === 0 ? undefined : `${write.name} ⇒ ${[status, ...changed].join('; ')}`
}

/**
 * As {@link doneAfter}, where the ending comes between two round trips of the write, each in its turn: what the write has
 * read before counts no more. On SQLite, where no trip holds a lock.
 */
export async function doneAcross(theatre: Theatre, ending: Ending, write: Write): Promise<string | undefined> {
  for (let trips = 1; ; trips += 1) {
    const { changed, isOver } = await endBehind(theatre, ending, write, trips)
    if (changed.length > 0) return `${write.name}, behind trip ${trips} ⇒ ${changed.join('; ')}`
    if (isOver) return undefined
  }
}

async function endBehind(theatre: Theatre, ending: Ending, write: Write, trips: number) {
  const { stage, world } = theatre
  await begin(theatre)
  let before: readonly string[] = []
  const changes = new Changes()
  const [writer, ender] = [new Actor('a', 'trip', changes), new Actor('b', 'trip', changes)]
  const answering = [
    writer.run(() => write.act(stage, world)),
    ender.run(async () => {
      await stage.ground.execute(ending.statements)
      before = await stage.ground.rows()
    }),
  ]
  const isWaiting = () => Promise.resolve(false)
  const driving = { actors: [writer, ender], changes, isWaiting, mostSteps: Number.POSITIVE_INFINITY }
  const steps = await drive(readSchedule(`a${trips}ba`), driving)
  await Promise.all(answering)
  return { changed: await changedSince(theatre, before, ending), isOver: steps.length <= trips }
}

/** What decides nothing is tidied away whoever asked: keys that are free again, and failures to log in. */
const isTidied = /^(?:\d+ )?-(?:login_attempts\(|idempotency_keys\(alice old\))/

async function changedSince({ stage, world }: Theatre, before: readonly string[], { keepsRefusals }: Ending) {
  const effects = effectsOf(before, await stage.ground.rows(), world.names)
  const isKept = (effect: string) => keepsRefusals === true && effect.startsWith('+idempotency_keys(')
  return effects.filter((effect) => !isTidied.test(effect) && !isKept(effect))
}
