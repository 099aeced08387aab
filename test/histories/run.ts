import { setTimeout as delay } from 'node:timers/promises'
import { seeded } from '../serial/explore.ts'
import { newExecution } from './execution-subject.ts'
import { creationUnderKey, settingsOf } from './other-subjects.ts'
import { made, pickAct, type People, type Random, type Subject } from './subject.ts'
import { startSystem, type System } from './system.ts'
import { newWorkflow } from './workflow-subject.ts'

export interface HistoriesOptions {
  readonly databaseUrl: string
  readonly seed: number
  /** About so many operations in all. */
  readonly operations: number
  /** What is done to the database from time to time: its connections ended, or all of it killed and started again. */
  readonly troubles: readonly Trouble[]
}

export interface Trouble {
  readonly name: string
  /** Once in so many operations. */
  readonly every: number
  readonly run: () => Promise<void>
}

export interface HistoriesResult {
  readonly operations: number
  readonly unknown: number
  readonly lost: number
  readonly objects: number
  readonly troubles: Readonly<Record<string, number>>
  /** The history of each object that no order explains. */
  readonly violations: readonly string[]
}

const clients = 6
/** Objects live for so many operations: the longer a history, the longer takes its proof. */
const operationsOfRound = 300
/** Of requests, and of answers. */
const lostShare = 0.015
const pauseMilliseconds = 200

/** Runs seeded clients on a few objects, round after round, while things are lost and killed, and judges what they saw. */
export async function runHistories(options: HistoriesOptions): Promise<HistoriesResult> {
  const { databaseUrl, seed, operations } = options
  const system = await startSystem(databaseUrl, seeded(`${seed} network`))
  const total = { operations: 0, unknown: 0, objects: 0 }
  const troubles: Record<string, number> = {}
  const violations: string[] = []
  try {
    for (let round = 1; total.operations < operations; round += 1) {
      const subjects = await runRound(system, options, { round, done: total.operations, troubles })
      for (const { recorded } of subjects) {
        total.objects += 1
        total.operations += recorded.count
        total.unknown += recorded.unknown
        if (!recorded.isExplained()) violations.push(`round ${round}: ${recorded.name}\n${recorded.text()}`)
      }
    }
  } finally {
    await system.stop()
  }
  return { ...total, lost: system.lost(), troubles, violations }
}

interface Round {
  readonly round: number
  readonly done: number
  readonly troubles: Record<string, number>
}

async function runRound(system: System, options: HistoriesOptions, { round, done, troubles }: Round) {
  const { seed } = options
  const people = await newPeople(system, round)
  const subjects: readonly Subject[] = [
    await newWorkflow(system, people, `w${round}a`),
    await newWorkflow(system, people, `w${round}b`),
    await newExecution(system, people, `e${round}a`),
    await newExecution(system, people, `e${round}b`),
    settingsOf(system, people),
    creationUnderKey(system, people, `k${round}a`),
    creationUnderKey(system, people, `k${round}b`),
  ]
  const all: readonly Trouble[] = [
    ...options.troubles,
    { name: 'gateway killed', every: 250, run: () => system.killGateway() },
  ]
  const progress: Progress = { count: 0, trouble: Promise.resolve() }
  system.lose(lostShare)
  await Promise.all([
    ...Array.from({ length: clients }, (_, client) =>
      runClient(subjects, seeded(`${seed} round ${round} client ${client}`), progress),
    ),
    makeTrouble(all, done, progress, troubles),
  ])
  system.lose(0)
  for (const { readAtLast } of subjects) await readAtLast()
  return subjects
}

interface Progress {
  count: number
  /** The last one, until what it has killed works again. */
  trouble: Promise<void>
}

async function runClient(subjects: readonly Subject[], random: Random, progress: Progress): Promise<void> {
  // Workflows and executions have the most to do.
  const weighted = subjects.flatMap((subject) => Array.from({ length: subject.acts.length > 3 ? 3 : 1 }, () => subject))
  while (progress.count < operationsOfRound) {
    progress.count += 1
    const subject = weighted[Math.floor(random() * weighted.length)]
    const answer = await (subject && pickAct(subject.acts, random).run(random))
    // As a client does that was told nothing: who asks on at once would ask for nothing but that.
    if (answer !== undefined) continue
    await progress.trouble
    await delay(pauseMilliseconds)
  }
}

/** Each trouble when its count of operations has come. */
async function makeTrouble(
  troubles: readonly Trouble[],
  done: number,
  progress: Progress,
  counted: Record<string, number>,
): Promise<void> {
  const due = troubles.map(({ every }) => Math.floor(done / every) + 1)
  while (progress.count < operationsOfRound) {
    for (const [index, trouble] of troubles.entries()) {
      if (done + progress.count < (due[index] ?? 0) * trouble.every) continue
      due[index] = (due[index] ?? 0) + 1
      counted[trouble.name] = (counted[trouble.name] ?? 0) + 1
      progress.trouble = trouble.run()
      await progress.trouble
    }
    await delay(5)
  }
}

async function newPeople(system: System, round: number): Promise<People> {
  const alice = await newUser(system, `alice-${round}`)
  const bob = await newUser(system, `bob-${round}`)
  return { aliceKey: alice.key, bobKey: bob.key, bobId: bob.id }
}

let address = 0

async function newUser(system: System, username: string) {
  address += 1
  const registered = made(
    await system.send({
      method: 'POST',
      path: '/v1/auth/register',
      // From an address of its own: only so many accounts an hour come from one.
      headers: { 'CF-Connecting-IP': `10.1.${address >> 8}.${address & 255}` },
      body: { username, email: `${username}@example.com`, password: 'correct horse' },
    }),
  )
  const created = made(
    await system.send({
      method: 'POST',
      path: '/v1/api-keys',
      headers: { Authorization: `Bearer ${String(registered['accessToken'])}` },
      body: { name: 'key', scopes: ['read', 'write', 'worker'] },
    }),
  )
  const user = registered['user'] as { readonly id: string }
  return { id: user.id, key: String(created['key']) }
}
