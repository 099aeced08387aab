import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { asRecord, itemsOf, readAnswer } from '../contract/answers.ts'
import { startWorld, type World } from '../contract/world.ts'
import { describeDialects } from '../dialects.ts'

/*
 * Killed anywhere: executions of ten steps on several workers, which are killed with -9 at moments that a seed chooses.
 * In CI a short form; the long one, and a run that is to be repeated:
 *
 *   KILLED_EXECUTIONS=200 KILLED_KILLS=500 KILLED_SEED=7 npx -y pnpm@12 test test/executions/killed.test.ts
 */

const stepCount = 10
const workerCount = 4
const numberOf = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise)
const executionCount = numberOf('KILLED_EXECUTIONS', 20)
const killCount = numberOf('KILLED_KILLS', 20)
const seed = numberOf('KILLED_SEED', Date.now() % 1_000_000)

/** https://en.wikipedia.org/wiki/Linear_congruential_generator, with the numbers of glibc */
function randomOf(start: number): () => number {
  let state = start
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

describeDialects((dialect) => {
  test(
    `whatever is killed, each of ${executionCount} executions ends with each step recorded once (seed ${seed})`,
    { timeout: 60_000 + executionCount * 1500 + killCount * 1000 },
    async () => {
      const world = await startWorld(dialect)
      const running: ChildProcess[] = []
      try {
        const { id: workflowId } = await world.workflow()
        const ids = await Promise.all(Array.from({ length: executionCount }, () => begin(world, workflowId)))
        const log = join(mkdtempSync(join(inject('directory'), 'killed-')), 'log')
        writeFileSync(log, '')
        const start = (index: number) => {
          const { token } = world.users.owner
          const values = [world.service.urls[0] ?? '', token, workflowId, log, `worker ${index}`]
          running[index] = fork(join(import.meta.dirname, 'killed-worker.ts'), values, { execArgv: [] })
        }
        for (let index = 0; index < workerCount; index += 1) start(index)
        const kills = await killAtRandom(world, workflowId, running, start)
        await ended(world, workflowId, executionCount)
        const counts = { dialect, seed, executions: ids.length, kills, ...(await judge(world, ids, log)) }
        process.stdout.write(`${JSON.stringify(counts)}\n`)
        expect(counts).toMatchObject({ completed: ids.length, stepsRecorded: ids.length * stepCount, begunAgain: [] })
      } finally {
        for (const child of running) child.kill('SIGKILL')
        await world.stop()
      }
    },
  )
})

async function begin(world: World, workflowId: string): Promise<string> {
  const path = `/v1/workflows/${workflowId}/executions`
  const { json } = await readAnswer(await world.send('owner', 'POST', path, { body: '{"maxAttempts":100}' }))
  return String(asRecord(json)['id'])
}

async function unfinished(world: World, workflowId: string): Promise<number> {
  const query = `select count(*) as n from executions where workflow_id = '${workflowId}' and completed_at is null`
  const [row] = await world.service.database.query(query)
  return Number(row?.['n'])
}

/** As long as there is something to kill for. */
async function killAtRandom(
  world: World,
  workflowId: string,
  running: readonly ChildProcess[],
  start: (index: number) => void,
): Promise<number> {
  const random = randomOf(seed)
  let kills = 0
  while (kills < killCount && (await unfinished(world, workflowId)) > 0) {
    await pause(50 + random() * 400)
    const index = Math.floor(random() * workerCount)
    running[index]?.kill('SIGKILL')
    kills += 1
    start(index)
  }
  return kills
}

async function ended(world: World, workflowId: string, count: number): Promise<void> {
  const deadline = Date.now() + 40_000 + count * 1000
  while ((await unfinished(world, workflowId)) > 0) {
    if (Date.now() > deadline) throw new Error('executions are left unfinished')
    await pause(200)
  }
}

/** What became of all: the output, each step once, a history without a gap, and nothing begun after its record. */
async function judge(world: World, ids: readonly string[], log: string) {
  let completed = 0
  let stepsRecorded = 0
  let entries = 0
  for (const id of ids) {
    const { json } = await readAnswer(await world.send('owner', 'GET', `/v1/executions/${id}`))
    const { status, state } = asRecord(json)
    if (status === 'completed' && state === 45) completed += 1
    const list = await readAnswer(await world.send('owner', 'GET', `/v1/executions/${id}/history?limit=100`))
    const history = itemsOf(list.json)
    expect(history.map(({ seq }) => seq)).toEqual(history.map((_, index) => index + 1))
    const keys = history.filter(({ type }) => type === 'step').map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    stepsRecorded += keys.length
    entries += history.length
  }
  const recorded = new Set<string>()
  const begunAgain: string[] = []
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [what, id, key] = line.split(' ')
    if (what === 'recorded') recorded.add(`${id} ${key}`)
    else if (what === 'begin' && recorded.has(`${id} ${key}`)) begunAgain.push(line)
  }
  return { completed, stepsRecorded, entries, begunAgain }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
