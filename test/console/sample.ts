import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, exactJson, pathOf, read, toJson } from '@millrace/client'
import { workspaceRoot } from '../workspace.ts'
import type { OwnService } from './own-service.ts'

/** What the pictures show, by what it is called in paths. */
export interface Sample {
  readonly workflowId: string
  readonly executionId: string
  readonly failedId: string
  readonly runningId: string
  /** A definition of no known shape. */
  readonly treeId: string
}

const nightlyReport = `{
  "name": "Nightly report",
  "nodes": [
    { "id": "mail", "type": "send", "data": { "to": "team@example.com" } },
    { "id": "orders", "type": "query", "data": { "from": "orders", "limit": 12345678901234567890 } },
    { "id": "visits", "type": "query", "data": { "from": "visits", "weight": 1.0 } },
    { "id": "sum", "type": "join", "data": { "by": "day" } },
    { "id": "chart", "type": "render", "data": { "format": "svg" } },
    { "id": "table", "type": "render", "data": { "format": "html" } }
  ],
  "edges": [
    { "source": "orders", "target": "sum" },
    { "source": "visits", "target": "sum" },
    { "source": "sum", "target": "chart" },
    { "source": "sum", "target": "table" },
    { "source": "chart", "target": "mail" },
    { "source": "table", "target": "mail" }
  ]
}`

/** Fills a new service as a team would after a few days: workflows with versions, shares, executions, settings, a key. */
export async function fillSample({ url, username, password }: OwnService): Promise<Sample> {
  const client = createClient({ url })
  await client.auth.login({ username, password })
  const friend = createClient({ url })
  await friend.auth.register({ username: 'grace', email: 'grace@example.com', password })

  const report = exactJson(nightlyReport)
  const order = exactJson(readFileSync(join(workspaceRoot, 'examples/worker/flows/order.json'), 'utf8'))
  await client.workflows.create({ name: 'Order', description: 'From the shelf to the door', definition: order })
  const others = ['Invoice import', 'Weekly digest', 'Sign-up greeting', 'Stock alert', 'Customer export']
  await client.workflows.createAll(others.map((name) => ({ name, definition: report })))
  const { id: treeId } = await client.workflows.create({
    name: 'Rules for refunds of orders that were shipped to another country and came back',
    description: 'Read by the desk. A name that is long, and a definition of a shape of its own.',
    definition: exactJson(
      '{"rules":[{"if":{"total":{"above":100.00}},"then":"ask"},{"else":"refund"}],"since":"2026-01-01"}',
    ),
  })
  let workflow = await client.workflows.create({
    name: 'Nightly report',
    description: 'Numbers of the day, by mail to the team',
    definition: report,
  })
  const wider = report
    .replace('"limit": 12345678901234567890', '"limit": 500')
    .replace(
      '{ "id": "table", "type": "render", "data": { "format": "html" } }',
      '{ "id": "table", "type": "render", "data": { "format": "html" } },\n    { "id": "archive", "type": "store", "data": { "days": 30 } }',
    )
    .replace(
      '{ "source": "table", "target": "mail" }',
      '{ "source": "table", "target": "mail" },\n    { "source": "sum", "target": "archive" }',
    )
  workflow = await client.workflows.update(workflow, {
    definition: exactJson(wider),
    changeNotes: 'keep an archive, take fewer rows',
  })
  await client.shares.put(workflow.id, { username: 'grace', permission: 'edit' })

  await client.ask({
    method: 'POST',
    path: pathOf`/v1/workflows/${workflow.id}/schedules`,
    body: { name: 'Each weekday', cron: '30 6 * * 1-5', timeZone: 'Europe/Berlin' },
    isKeyed: true,
  })

  for (const day of ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'])
    await client.executions.start(workflow.id, { input: toJson({ day, dry: false }) })
  const worked = await work(client)
  await client.settings.put(
    exactJson('{"openai":{"apiKey":{"$secret":"sk-example-0123456789abcd"}},"limit":10.50,"zone":"Europe/Berlin"}'),
  )
  await client.apiKeys.create({ name: 'worker on the old laptop', scopes: ['read', 'worker'] })
  await backUp(client)
  return { workflowId: workflow.id, treeId, ...worked }
}

type Worked = Pick<Sample, 'executionId' | 'failedId' | 'runningId'>

/** Works the first, fails the second, has the third wait for a signal, and leaves the fourth running and one pending. */
async function work(client: ReturnType<typeof createClient>): Promise<Worked> {
  const [first, second, third, fourth] = await client.executions.claim({
    worker: 'laptop',
    limit: 4,
    leaseSeconds: 3600,
  })
  if (first === undefined || second === undefined || third === undefined || fourth === undefined)
    throw new Error('nothing to work')
  await recordSteps(client, first)
  await client.executions.report(first.id, {
    fence: first.fence,
    status: 'completed',
    state: toJson({ rows: 412, mailed: true }),
  })
  await client.executions.report(second.id, {
    fence: second.fence,
    status: 'failed',
    error: { code: 'mail_refused', message: 'The mail server refused the recipient', details: { reply: 550 } },
  })
  await client.executions.report(third.id, { fence: third.fence, status: 'paused', waitFor: ['approved'] })
  await client.executions.recordSteps(fourth.id, {
    fence: fourth.fence,
    steps: [{ key: 'orders', output: toJson({ rows: 100 }), startedAt: new Date().toISOString(), attempt: 1 }],
  })
  return { executionId: first.id, failedId: second.id, runningId: fourth.id }
}

async function recordSteps(
  client: ReturnType<typeof createClient>,
  { id, fence }: { readonly id: string; readonly fence: number },
): Promise<void> {
  const begun = Date.now()
  for (const [index, key] of ['orders', 'visits', 'sum', 'chart', 'table', 'archive', 'mail'].entries()) {
    await new Promise((resolve) => setTimeout(resolve, 120))
    const startedAt = new Date(index === 0 ? begun : Date.now() - 100).toISOString()
    await client.executions.recordSteps(id, {
      fence,
      steps: [{ key, output: toJson({ rows: 100 + index }), startedAt, attempt: 1 }],
    })
  }
}

/** The bucket of `dev` takes it; its sweep verifies it. */
async function backUp(client: ReturnType<typeof createClient>): Promise<void> {
  await client.ask({ method: 'POST', path: '/v1/admin/backups' })
  for (let isVerified = false; !isVerified;) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const { items } = read<{ items: readonly { verifiedAt: string | null }[] }>(
      await client.ask({ method: 'GET', path: '/v1/admin/backups' }),
    )
    isVerified = typeof items[0]?.verifiedAt === 'string'
  }
}
