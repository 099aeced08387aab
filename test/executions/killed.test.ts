import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { asRecord, itemsOf, readAnswer } from '../contract/answers.ts'
import { register } from '../contract/world.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { isLong } from '../sampling.ts'
import type { Service } from '../service.ts'
import { startKilledSystem, type KilledSystem } from './killed-system.ts'

/*
 * Killed anywhere: executions of ten steps on several workers, which are killed with -9 at moments that a seed chooses;
 * the gateway, and in the long form the database's server, are killed and started again meanwhile. In CI a short form;
 * the long one, with the seed that it is to repeat:
 *
 *   TEST_LONG=1 KILLED_SEED=7 npx -y pnpm@12 test test/executions/killed.test.ts
 */

const stepCount = 10
const workerCount = 4
const numberOf = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise)
const executionCount = numberOf('KILLED_EXECUTIONS', isLong ? 200 : 8)
const killCount = numberOf('KILLED_KILLS', isLong ? 500 : 8)
/** So many times each of gateway and database. */
const restartCount = numberOf('KILLED_RESTARTS', isLong ? 10 : 1)
/** How long a step takes: there has to be work for as many kills. */
const actMilliseconds = numberOf('KILLED_ACT_MS', isLong ? 250 : 0)
const seed = numberOf('KILLED_SEED', Date.now() % 1_000_000)

/** https://en.wikipedia.org/wiki/Linear_congruential_generator, with the numbers of glibc */
function randomOf(start: number): () => number {
  let state = start
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

describeDialectsInTurn((dialect) => {
  test(
    `whatever is killed, each of ${executionCount} executions ends with each step recorded once (seed ${seed})`,
    { timeout: 60_000 + executionCount * 3000 + killCount * 2000 },
    async () => {
      const system = await startKilledSystem(dialect, isLong)
      const running: ChildProcess[] = []
      try {
        const owner = await newOwner(system.service)
        const ids: string[] = []
        for (let count = 0; count < executionCount; count += 1) ids.push(await begin(owner, `begin ${count}`))
        const log = join(mkdtempSync(join(inject('directory'), 'killed-')), 'log')
        writeFileSync(log, '')
        const start = (index: number) => {
          const { key, workflowId } = owner
          const values = [system.service.urls[0] ?? '', key, workflowId, log, `worker ${index}`, `${actMilliseconds}`]
          running[index] = fork(join(import.meta.dirname, 'killed-worker.ts'), values, { execArgv: [] })
        }
        for (let index = 0; index < workerCount; index += 1) start(index)
        const kills = await killAtRandom(system, owner, running, start)
        await ended(system, owner, executionCount)
        const counts = { dialect, seed, executions: ids.length, ...kills, ...(await judge(owner, ids, log)) }
        process.stdout.write(`${JSON.stringify(counts)}\n`)
        expect(counts).toMatchObject({ completed: ids.length, stepsRecorded: ids.length * stepCount, begunAgain: [] })
      } finally {
        for (const child of running) child.kill('SIGKILL')
        await system.stop()
      }
    },
  )
})

/** Who owns all that is worked, by an API key: a token would run out. */
interface Owner {
  readonly key: string
  readonly workflowId: string
  readonly ask: (method: string, path: string, body?: object, idempotencyKey?: string) => Promise<unknown>
}

async function newOwner(service: Service): Promise<Owner> {
  const { token } = await register(service, 'owner')
  const ask = async (by: string, ...[method, path, body, idempotencyKey]: Parameters<Owner['ask']>) => {
    const headers = {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${by}`,
      ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
    }
    const given = body === undefined ? {} : { body: JSON.stringify(body) }
    const { status, json, text } = await readAnswer(await service.fetch(path, { method, headers, ...given }))
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`)
    return json
  }
  const made = await ask(token, 'POST', '/v1/api-keys', { name: 'key', scopes: ['read', 'write', 'worker'] })
  const key = String(asRecord(made)['key'])
  const workflow = await ask(key, 'POST', '/v1/workflows', { name: 'a workflow', definition: {} })
  const workflowId = String(asRecord(workflow)['id'])
  return { key, workflowId, ask: (...asked) => ask(key, ...asked) }
}

/** Asked again, under its key, where a busy machine keeps an answer for too long. */
async function begin({ workflowId, ask }: Owner, key: string): Promise<string> {
  const path = `/v1/workflows/${workflowId}/executions`
  for (let tries = 1; ; tries += 1) {
    try {
      return String(asRecord(await ask('POST', path, { maxAttempts: 100 }, key))['id'])
    } catch (error) {
      if (!String(error).includes('answered 503') || tries === 10) throw error
    }
  }
}

async function unfinished({ database }: KilledSystem, { workflowId }: Owner): Promise<number> {
  const query = `select count(*) as n from executions where workflow_id = '${workflowId}' and completed_at is null`
  const [row] = await database.query(query)
  return Number(row?.['n'])
}

/** As long as there is something to kill for. */
async function killAtRandom(
  system: KilledSystem,
  owner: Owner,
  running: readonly ChildProcess[],
  start: (index: number) => void,
) {
  const random = randomOf(seed)
  const killed = { kills: 0, gatewayKills: 0, databaseKills: 0 }
  const between = Math.ceil(killCount / (restartCount + 1))
  while (killed.kills < killCount && (await unfinished(system, owner)) > 0) {
    await pause(50 + random() * 400)
    const index = Math.floor(random() * workerCount)
    running[index]?.kill('SIGKILL')
    killed.kills += 1
    start(index)
    if (killed.kills % between === 0) {
      await system.killGateway()
      killed.gatewayKills += 1
    }
    if (killed.kills % between === Math.floor(between / 2) && system.killDatabase !== undefined) {
      await system.killDatabase()
      killed.databaseKills += 1
    }
  }
  return killed
}

async function ended(system: KilledSystem, owner: Owner, count: number): Promise<void> {
  const deadline = Date.now() + 40_000 + count * 3000
  while ((await unfinished(system, owner)) > 0) {
    if (Date.now() > deadline) throw new Error('executions are left unfinished')
    await pause(200)
  }
}

/** What became of all: the output, each step once, a history without a gap, and nothing begun after its record. */
async function judge({ ask }: Owner, ids: readonly string[], log: string) {
  let completed = 0
  let stepsRecorded = 0
  let entries = 0
  let attempts = 0
  for (const id of ids) {
    const { status, state, attempts: begun } = asRecord(await ask('GET', `/v1/executions/${id}`))
    attempts += Number(begun)
    if (status === 'completed' && state === 45) completed += 1
    const history = await historyOf(ask, id)
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
  return { completed, stepsRecorded, entries, attempts, begunAgain }
}

/** Whole, page by page. */
async function historyOf(ask: Owner['ask'], id: string) {
  const history: Readonly<Record<string, unknown>>[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const page = await ask('GET', `/v1/executions/${id}/history?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`)
    history.push(...itemsOf(page))
    const { nextCursor } = asRecord(page)
    cursor = typeof nextCursor === 'string' ? nextCursor : undefined
  }
  return history
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
