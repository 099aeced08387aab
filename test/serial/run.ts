import { Actor, actorNames, Changes, type ActorName, type Grain } from './actor.ts'
import { outcomeOf, type Baseline, type Outcome } from './outcome.ts'
import { drive, type Schedule, type Step } from './schedule.ts'
import type { Answered, Stage } from './stage.ts'
import type { World } from './world.ts'
import type { Write } from './write.ts'

/** A database with the world in it, kept, and what is needed to run writes on it again and again. */
export interface Theatre {
  readonly stage: Stage
  readonly world: World
  readonly baseline: Baseline
  /** The moment at which each run begins. */
  readonly beginsAt: Date
  /** Has the process know what it is to know when a run begins. The rows are put back behind it. */
  readonly prepare?: (() => Promise<void>) | undefined
}

export interface Run {
  readonly outcome: Outcome
  readonly trace: readonly Step[]
}

/** Puts the world back as it was kept, at the moment at which each run begins. */
export async function begin({ stage, beginsAt, prepare }: Theatre): Promise<void> {
  await stage.ground.restore()
  await stage.refresh()
  stage.setClock(beginsAt)
  if (prepare === undefined) return
  await prepare()
  await stage.ground.restore()
  stage.setClock(beginsAt)
}

/** Runs writes at the same time, one an actor, in the order of the schedule, on the world as it was kept. */
export async function run(
  theatre: Theatre,
  writes: readonly Write[],
  schedule: Schedule,
  grain: Grain,
  mostSteps = Number.POSITIVE_INFINITY,
): Promise<Run> {
  const { stage, world, baseline } = theatre
  await begin(theatre)
  const changes = new Changes()
  const actors = writes.map((_, index) => new Actor(actorNames[index] ?? 'a', grain, changes))
  const answering = actors.map((actor, index) => {
    const write = writes[index]
    if (write === undefined) throw new Error('an actor without a write')
    return actor.run(() => write.act(stage, world))
  })
  const isWaiting = (backend: number) => stage.ground.isWaiting(backend)
  const trace = await drive(schedule, { actors, changes, isWaiting, mostSteps })
  const given = await Promise.all(answering)
  for (const write of writes) if (write.isRunAgain === true) await write.act(stage, world)
  const answers = new Map(given.map((answer, index) => [actorNames[index] ?? 'a', answer]))
  const rows = await stage.ground.rows()
  const probes = new Map<ActorName, string>()
  for (const [name, answer] of answers) probes.set(name, await probe(stage, answer))
  return { outcome: await outcomeOf({ answers, probes, rows }, baseline), trace }
}

/** Whether the tokens of an answer work when all is done. */
export async function probe(stage: Stage, { status, body }: Answered): Promise<string> {
  if (status >= 300 || body === '') return ''
  const { accessToken, refreshToken, key } = JSON.parse(body) as Readonly<Record<string, unknown>>
  const said: string[] = []
  for (const [kind, token] of [
    ['access token', accessToken],
    ['key', key],
  ] as const) {
    if (typeof token !== 'string') continue
    const headers = { Authorization: `Bearer ${token}` }
    const { status: told } = await stage.send({ method: 'GET', path: '/v1/auth/me', headers, body: undefined })
    said.push(`${kind} ${told}`)
  }
  if (typeof refreshToken === 'string') {
    const sent = { method: 'POST', path: '/v1/auth/refresh', headers: {}, body: JSON.stringify({ refreshToken }) }
    said.push(`refresh token ${(await stage.send(sent)).status}`)
  }
  return said.length === 0 ? '' : ` | then ${said.join(', ')}`
}
