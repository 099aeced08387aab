/**
 * Shows that no execution is lost or done twice when a worker dies: starts executions of every workflow of the caller,
 * runs two workers, kills one with SIGKILL while it is at work, and waits until the other has taken over and ended all.
 * `node examples/worker/src/main.ts [--url http://127.0.0.1:8787] [--executions 12] [--json]`.
 *
 * With `MILLRACE_API_KEY` (scopes `write`, `read`, `worker`) the workflows are those of the key's user, as imported;
 * without, a new account gets those of `flows/`. Exit 1 where anything is not as it must be.
 */
import { randomUUID } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createClient, exactJson, toJson, type Client, type Execution, type Workflow } from '@millrace/client'
import { stepsOf } from './definition.ts'
import { afterStep, progressOf } from './progress.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8787' },
    executions: { type: 'string', default: '12' },
    json: { type: 'boolean', default: false },
  },
})
const { url } = values
const leaseSeconds = 5
const stepMilliseconds = 150

/** The whole show may take so long. */
const deadline = AbortSignal.timeout(120_000)

process.exitCode = await main()

async function main(): Promise<number> {
  const givenKey = process.env['MILLRACE_API_KEY']
  const client = createClient(givenKey === undefined ? { url } : { url, apiKey: givenKey })
  if (givenKey === undefined) await fillAccount(client)
  const workflows = await ownWorkflows(client)
  const started = await startExecutions(client, workflows, Number(values.executions))
  say(`${started.length} executions of ${workflows.length} workflows are pending.`)
  const { key } = await client.apiKeys.create({ name: 'example worker', scopes: ['worker'] })
  if (key === null) throw new Error('the answer with the key was lost: start again')
  const [one, two] = ['one', 'two'].map((name) =>
    startWorker({ url, name, apiKey: key, leaseSeconds, stepMilliseconds }),
  )
  if (one === undefined || two === undefined) throw new Error('there are no workers')
  try {
    const held = await killAtWork(client, one)
    say(`Worker one is killed with SIGKILL; it held ${held.length} executions. Worker two goes on.`)
    const ended = await untilEnded(client, started)
    return report(ended, { workflows, held, workers: [one, two], exitCode: await two.end('SIGTERM') })
  } finally {
    await Promise.all([one.end('SIGKILL'), two.end('SIGKILL')])
  }
}

function say(line: string): void {
  if (!values.json) process.stdout.write(`${line}\n`)
}

/** A new account, with the workflows of `flows/`, to the letter. */
async function fillAccount(client: Client): Promise<void> {
  const username = `worker-example-${Date.now()}`
  await client.auth.register({ username, email: `${username}@example.com`, password: randomUUID() })
  const folder = join(import.meta.dirname, '../flows')
  const files = globSync('*.json', { cwd: folder }).toSorted()
  await client.workflows.createAll(
    files.map((file) => ({
      name: basename(file, '.json'),
      definition: exactJson(readFileSync(join(folder, file), 'utf8').trim()),
    })),
  )
}

async function ownWorkflows(client: Client): Promise<readonly Workflow[]> {
  const ids: string[] = []
  for await (const { id } of client.workflows.list({ scope: 'owned' })) ids.push(id)
  if (ids.length === 0) throw new Error('the caller owns no workflow: import one')
  return Promise.all(ids.map((id) => client.workflows.get(id)))
}

async function startExecutions(
  client: Client,
  workflows: readonly Workflow[],
  count: number,
): Promise<readonly Execution[]> {
  const started: Execution[] = []
  for (let number = 1; number <= count; number += 1) {
    const workflow = workflows[number % workflows.length]
    if (workflow !== undefined) started.push(await client.executions.start(workflow.id, { input: toJson({ number }) }))
  }
  return started
}

/** Kills a worker when an execution that it holds is under way. Gives those that it had claimed and not reported. */
async function killAtWork(client: Client, worker: WorkerProcess): Promise<readonly string[]> {
  for (;;) {
    for (const id of heldBy(worker)) {
      const { status, state } = await client.executions.get(id, { signal: deadline })
      if (status !== 'running' || state === 'null') continue
      await worker.end('SIGKILL')
      return heldBy(worker)
    }
    await pause(50, undefined, { signal: deadline })
  }
}

function heldBy({ lines }: WorkerProcess): readonly string[] {
  const over = new Set(lines.filter(({ kind }) => kind !== 'claimed').map(({ id }) => id))
  return lines.flatMap(({ kind, id }) => (kind === 'claimed' && id !== undefined && !over.has(id) ? [id] : []))
}

async function untilEnded(client: Client, started: readonly Execution[]): Promise<readonly Execution[]> {
  const left = new Set(started.map(({ id }) => id))
  while (left.size > 0) {
    for await (const { id, completedAt } of client.executions.list({ limit: 100, signal: deadline })) {
      if (completedAt !== null) left.delete(id)
    }
    await pause(200, undefined, { signal: deadline })
  }
  return Promise.all(started.map(({ id }) => client.executions.get(id)))
}

interface Course {
  readonly workflows: readonly Workflow[]
  readonly held: readonly string[]
  readonly workers: readonly WorkerProcess[]
  readonly exitCode: number | null
}

function report(ended: readonly Execution[], course: Course): number {
  const rows = ended.map((execution) => {
    const { id, workflowName, status, attempts, fence } = execution
    return { id, workflowName, status, attempts, fence, faults: faultsOf(execution, course) }
  })
  const takenOver = rows.filter(({ attempts }) => attempts === 2).length
  const isGood = takenOver > 0 && course.exitCode === 0 && rows.every(({ faults }) => faults.length === 0)
  if (values.json) process.stdout.write(`${JSON.stringify({ isGood, held: course.held, executions: rows })}\n`)
  for (const { id, workflowName, status, attempts, fence, faults } of rows) {
    say(`  ${id}  ${workflowName.padEnd(20)} ${status}  attempts ${attempts}  fence ${fence}  ${faults.join('; ')}`)
  }
  const completed = rows.filter(({ status }) => status === 'completed').length
  say(
    `${completed} of ${rows.length} completed, ${takenOver} of them taken over. ${isGood ? 'All is well.' : 'FAILED'}`,
  )
  return isGood ? 0 : 1
}

/** What is not as it must be: each completed once, under its last fence, with the result of an undisturbed run. */
function faultsOf(execution: Execution, { workflows, held, workers }: Course): readonly string[] {
  const { id, fence, attempts, status, state } = execution
  const workflow = workflows.find((candidate) => candidate.id === execution.workflowId)
  const completions = workers.flatMap(({ lines }) => lines).filter((line) => line.kind === 'reported' && line.id === id)
  const isUnheard = completions.length === 0 && held.includes(id) && attempts === 1
  const checks = {
    'it is not completed': status === 'completed',
    'its attempts are not its claims': attempts === fence && attempts >= 1,
    'it was claimed again though its worker lived': attempts === 1 || (attempts === 2 && held.includes(id)),
    'it was not completed once, under its last fence':
      isUnheard || (completions.length === 1 && completions[0]?.fence === fence),
    'its result is not that of an undisturbed run':
      workflow !== undefined && state === undisturbed(workflow, execution),
  }
  return Object.entries(checks).flatMap(([fault, isRight]) => (isRight ? [] : [fault]))
}

function undisturbed({ definition }: Workflow, { input }: Execution): string {
  return toJson(stepsOf(definition).reduce(afterStep, progressOf(exactJson('null'), input)))
}
