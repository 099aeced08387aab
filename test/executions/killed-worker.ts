import { appendFileSync } from 'node:fs'

/* A worker that may be killed at any moment. It works executions of ten steps, and notes what it begins and what it was told. */

const stepCount = 10

interface Claimed {
  readonly id: string
  readonly fence: number
  readonly steps: readonly { readonly key: string; readonly output: number }[]
}

const [url = '', token = '', workflowId = '', log = '', name = '', actMilliseconds = '0'] = process.argv.slice(2)

async function ask(method: string, path: string, body: object): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }
  const response = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) })
  return response.ok ? response.json() : undefined
}

function note(line: string): void {
  appendFileSync(log, `${line}\n`)
}

async function work({ id, fence, steps }: Claimed): Promise<void> {
  const outputs = new Map(steps.map(({ key, output }) => [key, output]))
  for (let step = 0; step < stepCount; step += 1) {
    const key = `step-${step}`
    if (outputs.has(key)) continue
    note(`begin ${id} ${key}`)
    await pause(Number(actMilliseconds))
    const recorded = await ask('POST', `/v1/executions/${id}/steps`, { fence, steps: [{ key, output: step }] })
    if (recorded === undefined) return
    note(`recorded ${id} ${key}`)
    outputs.set(key, step)
  }
  const state = [...outputs.values()].reduce((sum, output) => sum + output, 0)
  await ask('PATCH', `/v1/executions/${id}`, { fence, status: 'completed', state })
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}

const claim = { worker: name, limit: 2, leaseSeconds: 5, workflowIds: [workflowId], withSteps: true }
for (;;) {
  // Whatever is down comes back.
  const claimed = (await ask('POST', '/v1/executions/claim', claim).catch(() => undefined)) as
    | { readonly items: readonly Claimed[] }
    | undefined
  for (const item of claimed?.items ?? []) await work(item).catch(() => undefined)
  if ((claimed?.items.length ?? 0) === 0) await pause(100)
}
