import { createClient, toJson } from '@millrace/client'
import { expect, onTestFinished, test } from 'vitest'
import { startCuttingProxy } from '../drivers/cutting-proxy.ts'
import { axeFindings } from './axe.ts'
import { callAs, createWorkflow, password, useStage, writeInto } from './kit.ts'
import { describeHalf } from '../sampling.ts'

interface Shape {
  readonly name: string
  readonly definition: object
  readonly nodes: number
  readonly edges: number
  /** A node as it is drawn. */
  readonly shown: string
}

const shapes: readonly Shape[] = [
  {
    name: 'Flowise',
    definition: {
      nodes: [
        { id: 'llm_0', position: { x: 0, y: 0 }, data: { label: 'Chat model', name: 'chatOpenAI' } },
        { id: 'chain_0', position: { x: 400, y: 0 }, data: { label: 'Chain', name: 'llmChain' } },
      ],
      edges: [{ source: 'llm_0', target: 'chain_0', sourceHandle: 'o', targetHandle: 'i' }],
    },
    nodes: 2,
    edges: 1,
    shown: 'Chat model',
  },
  {
    name: 'n8n',
    definition: {
      nodes: [
        { name: 'Every day', type: 'n8n-nodes-base.cron', position: [0, 0] },
        { name: 'Send', type: 'n8n-nodes-base.emailSend', position: [300, 0] },
      ],
      connections: { 'Every day': { main: [[{ node: 'Send', type: 'main', index: 0 }]] } },
    },
    nodes: 2,
    edges: 1,
    shown: 'emailSend',
  },
  {
    name: 'Amazon States Language',
    definition: {
      StartAt: 'Check',
      States: {
        Check: { Type: 'Choice', Choices: [{ Variable: '$.n', NumericEquals: 1, Next: 'Do' }], Default: 'Stop' },
        Do: { Type: 'Task', Resource: 'arn:x', Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Stop' }], End: true },
        Stop: { Type: 'Fail' },
      },
    },
    nodes: 3,
    edges: 3,
    shown: 'Choice',
  },
  {
    name: 'Serverless Workflow',
    definition: {
      document: { dsl: '1.0.0', name: 'order' },
      do: [
        { read: { call: 'http' } },
        { decide: { fork: { branches: [{ one: { set: {} } }, { two: { set: {} } }] } } },
      ],
    },
    nodes: 4,
    edges: 3,
    shown: 'http',
  },
]

const definition = '{"nodes":[{"id":"fetch"},{"id":"mail"}],"edges":[{"source":"fetch","target":"mail"}]}'

describeHalf('a workflow and its executions, in the console', () => {
  const stage = useStage('sqlite')

  async function workerOf(username: string) {
    const client = createClient({ url: stage.service().urls[0] ?? '' })
    await client.auth.login({ username, password })
    return client
  }

  test('each known shape is drawn, a node in the text is found by its node in the graph', async (context) => {
    const { page, username } = await stage.person(context, 'shapes')
    const call = await callAs(stage.service(), username)
    const selected = page.locator('.split-text .cm-selectionBackground')
    for (const { name, definition, nodes, edges, shown } of shapes) {
      const id = await createWorkflow(call, name, JSON.stringify(definition))
      await page.goto(`/console/workflows/${id}`)
      const graph = page.getByRole('region', { name: `Graph of ${nodes} nodes` })
      await graph.getByText(shown).first().waitFor()
      await expect.poll(() => graph.locator('.react-flow__edge').count(), { message: name }).toBe(edges)
      await graph.locator('.react-flow__node').first().click()
      await expect.poll(() => selected.count(), { message: name }).toBeGreaterThan(0)
    }
    expect(await axeFindings(page)).toEqual([])
  })

  test('what the API would refuse is marked while one types, and refused where it is sent all the same', async (context) => {
    const { page, username, expectStatus } = await stage.person(context, 'rules')
    const id = await createWorkflow(await callAs(stage.service(), username), 'Rules', '{"a":1}')
    await page.goto(`/console/workflows/${id}`)
    await writeInto(page, 'Definition, as text', '{"a":1,"a":2}')
    await page.locator('.split-text .cm-lint-marker-error').hover()
    await page.getByText('“a” stands twice in this object.').waitFor()
    expectStatus(422)
    await page.keyboard.press('ControlOrMeta+s')
    await page.getByRole('alert').getByText('/definition').waitFor()
    await writeInto(page, 'Definition, as text', '{"a":')
    await page.keyboard.press('ControlOrMeta+s')
    await page.getByRole('alert').getByText('The definition is no JSON').waitFor()
    // It stays while another page is looked at.
    await page.getByRole('link', { name: 'Versions' }).click()
    await page.getByText('Choose two versions to compare.').waitFor()
    await page.goBack()
    await page.getByText('Not saved yet').waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()
    await page.getByText('All saved').waitFor()
  })

  test('after a conflict one goes on writing or takes theirs; versions are compared on the graph and restored', async (context) => {
    const { page, username, expectStatus } = await stage.person(context, 'chooser')
    const call = await callAs(stage.service(), username)
    const node = (id: string, n: number) => `{"id":"${id}","n":${n}}`
    const first = `{"nodes":[${node('same', 1)},${node('gone', 1)},${node('other', 1)}],"edges":[]}`
    const second = `{"nodes":[${node('same', 1)},${node('new', 1)},${node('other', 2)}],"edges":[]}`
    const id = await createWorkflow(call, 'Chosen', first)
    await page.goto(`/console/workflows/${id}`)
    await writeInto(page, 'Definition, as text', '{"mine":1}')
    await call('PATCH', `/v1/workflows/${id}`, `{"definition":${second}}`, { 'If-Match': '"1"' })
    expectStatus(412)
    await page.keyboard.press('ControlOrMeta+s')
    const dialog = page.getByRole('dialog', { name: 'Someone else saved in between' })
    await dialog.getByRole('button', { name: 'Go on writing' }).click()
    await page.getByRole('textbox', { name: 'Definition, as text' }).getByText('"mine"').waitFor()
    await page.getByRole('button', { name: 'Save a new version' }).click()
    await dialog.getByRole('button', { name: 'Take theirs, drop mine' }).click()
    await page.getByRole('region', { name: 'Graph of 3 nodes' }).waitFor()
    await page.getByText('All saved').waitFor()

    await page.goto(`/console/workflows/${id}/versions/1/2?view=graph`)
    for (const count of ['1 added', '1 removed', '1 changed']) await page.getByText(count).waitFor()
    expect(await page.locator('.react-flow__node .mark-removed').innerText()).toMatch(/gone\s+removed/)
    expect(await axeFindings(page)).toEqual([])
    await page.goto(`/console/workflows/${id}/versions`)
    await page.getByRole('button', { name: 'Restore' }).click()
    await page.getByRole('dialog', { name: 'Restore v1?' }).getByRole('button', { name: 'Restore' }).click()
    await page.getByText('v1 is now v3').waitFor()
    expect((await call('GET', `/v1/workflows/${id}`)).text).toContain(`"definition":${first},`)
  })

  test('an execution shows its attempts, waits and steps as bars; a failed step stands out; a paused one is resumed', async (context) => {
    const { page, username } = await stage.person(context, 'reader')
    const id = await createWorkflow(await callAs(stage.service(), username), 'Read', definition)
    const client = await workerOf(username)
    const { id: executionId } = await client.executions.start(id)
    const [claimed] = await client.executions.claim({ worker: 'bee', limit: 1 })
    const fence = claimed?.fence ?? 0
    const startedAt = new Date(Date.now() - 2500).toISOString()
    await client.executions.recordSteps(executionId, {
      fence,
      steps: [
        { key: 'fetch', output: toJson(1), startedAt },
        { key: 'mail', error: { code: 'refused', message: 'No such recipient' } },
      ],
    })
    await client.executions.report(executionId, { fence, status: 'paused' })
    await page.goto(`/console/executions/${executionId}`)
    const graph = page.getByRole('region', { name: 'Graph of 2 nodes' })
    await graph.locator('.mark-failed').getByText('mail').waitFor()
    await graph.locator('.mark-done').getByText('fetch').waitFor()
    const bars = page.locator('.spans li')
    await bars.filter({ hasText: 'attempt bee' }).locator('.span-attempt').waitFor()
    await bars.filter({ hasText: 'failed step mail' }).locator('.span-failedStep').waitFor()
    expect(await bars.filter({ hasText: 'step fetch' }).locator('.span-took').innerText()).toMatch(/^\d\.\d s$/)
    await page.locator('summary').getByText('mail').click()
    await page.getByText('No such recipient').waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('status').getByText('pending').waitFor()
    await page.locator('.history').getByText('resumed').waitFor()
  })

  test('after a cut of the connection the time line goes on where it was, each entry once', async (context) => {
    const { page, username, faults } = await stage.person(context, 'tunnel')
    const id = await createWorkflow(await callAs(stage.service(), username), 'Cut', definition)
    const worker = await workerOf(username)
    const { id: executionId } = await worker.executions.start(id)
    const [claimed] = await worker.executions.claim({ worker: 'w', limit: 1, workflowIds: [id] })
    const fence = claimed?.fence ?? 0
    await worker.executions.recordSteps(executionId, { fence, steps: [{ key: 'fetch', output: toJson(1) }] })
    const proxy = await startCuttingProxy({ host: '127.0.0.1', port: Number(new URL(page.url()).port) })
    onTestFinished(() => proxy.close())
    await page.goto(`http://127.0.0.1:${proxy.port}/console/executions/${executionId}`)
    const live = page.getByText('live', { exact: true })
    await live.waitFor()
    await page.getByText('1 step', { exact: true }).waitFor()
    // What the page loads when it needs it is there.
    await page.getByRole('region', { name: 'Graph of 2 nodes' }).locator('.mark-done').waitFor()

    proxy.cut('after')
    await worker.executions.recordSteps(executionId, { fence, steps: [{ key: 'mail', output: toJson(2) }] })
    await live.waitFor({ state: 'hidden' })
    proxy.cut('never')
    await page.getByText('2 steps', { exact: true }).waitFor()
    await live.waitFor()
    await worker.executions.report(executionId, { fence, status: 'completed' })
    await page.getByRole('status').getByText('completed').waitFor()
    for (const key of ['fetch', 'mail']) expect(await page.locator('summary').getByText(key).count(), key).toBe(1)
    // The browser's own words about the connections that were cut, and the proxy's address.
    expect(faults.filter((fault) => !/^asked http:\/\/127\.|net::ERR_/.test(fault))).toEqual([])
    faults.length = 0
  })

  test('a paused execution says what it waits for, and a signal wakes it', async (context) => {
    const { page, username } = await stage.person(context, 'signaller')
    const call = await callAs(stage.service(), username)
    const id = await createWorkflow(call, 'Waits', definition)
    const worker = await workerOf(username)
    const { id: executionId } = await worker.executions.start(id)
    const [claimed] = await worker.executions.claim({ worker: 'w', limit: 1, workflowIds: [id] })
    await worker.executions.report(executionId, { fence: claimed?.fence ?? 0, status: 'paused', waitFor: ['approved'] })
    await page.goto(`/console/executions/${executionId}`)
    await page.getByText('It waits for the signal approved.').waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Send a signal' }).click()
    await page.getByLabel('Name').fill('approved')
    await writeInto(page, 'Payload', '{"by":"grace"}')
    await page.getByRole('dialog').getByRole('button', { name: 'Send a signal' }).click()
    await page.getByText('Signal approved sent').waitFor()
    await page.getByRole('status').getByText('pending').waitFor()
    await page.getByText('{"by":"grace"}').waitFor()
    expect((await call('GET', `/v1/executions/${executionId}/signals`)).text).toContain('"payload":{"by":"grace"}')
  })

  test('a schedule tells its times in words and in the viewer’s zone, is changed, disabled and deleted', async (context) => {
    const { page, username } = await stage.person(context, 'planner')
    const id = await createWorkflow(await callAs(stage.service(), username), 'Planned', definition)
    await page.goto(`/console/workflows/${id}/schedules`)
    await page.getByText('No schedules yet').waitFor()
    await page.getByRole('button', { name: 'New schedule' }).click()
    await page.getByLabel('Name').fill('Every weekday')
    await page.getByLabel('Cron expression').fill('30 6 * * 1-5')
    await page.getByText('At 06:30, Monday through Friday').waitFor()
    await page.getByLabel('Time zone').fill('America/New_York')
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Save' }).click()
    const card = page.getByRole('region', { name: 'Every weekday' })
    await card.getByText('At 06:30, Monday through Friday').waitFor()
    await expect.poll(() => card.locator('.next-times li').count()).toBe(5)
    // 06:30 there is 12:30 in Berlin, or 11:30 in the weeks between the changes of both clocks.
    expect(await card.locator('.next-times').innerText()).toMatch(/1[12]:30/)
    expect(await axeFindings(page)).toEqual([])
    await card.getByRole('button', { name: 'Change' }).click()
    await page.getByLabel('Cron expression').fill('@hourly')
    // A list that comes late must not leave the card with the revision that was changed.
    const late = Promise.withResolvers<void>()
    await page.route(/\/v1\/workflows\/[^/]+\/schedules/, async (route) => {
      await late.promise
      await route.fallback()
    })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await card.getByRole('button', { name: 'Disable' }).click()
    await card.getByText('disabled', { exact: true }).waitFor()
    await card.getByText('Every hour').waitFor()
    late.resolve()
    await page.unrouteAll({ behavior: 'wait' })
    await card.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No schedules yet').waitFor()
  })

  test('two schedules that are switched at once both show what became of them, whichever answer comes first', async (context) => {
    const { page, username } = await stage.person(context, 'switcher')
    const call = await callAs(stage.service(), username)
    const id = await createWorkflow(call, 'Switched', definition)
    const schedule = async (name: string) => {
      const { text } = await call('POST', `/v1/workflows/${id}/schedules`, `{"name":"${name}","cron":"@daily"}`)
      return { id: (JSON.parse(text) as { id: string }).id, card: page.getByRole('region', { name }) }
    }
    const [first, second] = [await schedule('First'), await schedule('Second')]
    await page.goto(`/console/workflows/${id}/schedules`)
    const late = Promise.withResolvers<void>()
    await page.route(`**/v1/schedules/${first.id}`, async (route) => {
      if (route.request().method() === 'PATCH') await late.promise
      await route.fallback()
    })
    for (const { card } of [first, second]) await card.getByRole('button', { name: 'Disable' }).click()
    await second.card.getByText('disabled', { exact: true }).waitFor()
    late.resolve()
    await first.card.getByText('disabled', { exact: true }).waitFor()
    for (const { card } of [first, second]) {
      await card.getByRole('button', { name: 'Enable' }).click()
      await card.getByText('enabled', { exact: true }).waitFor()
    }
    expect(await page.getByText('disabled', { exact: true }).count()).toBe(0)
  })

  test('by keyboard alone a workflow is created, changed, started and cancelled', async (context) => {
    const { page } = await stage.person(context, 'keys-only')
    const { keyboard } = page
    const focused = () => page.evaluate<string>('document.activeElement?.textContent?.trim() ?? ""')
    const tabTo = async (text: string): Promise<void> => {
      for (let turn = 0; turn < 60 && (await focused()) !== text; turn += 1) await keyboard.press('Tab')
      expect(await focused()).toBe(text)
    }
    await page.getByText('No workflows yet').waitFor()
    await tabTo('New workflow')
    await keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Definition' }).waitFor()
    await expect.poll(focused).toBe('New workflow')
    const focusedLabel = () => page.evaluate<string>('document.activeElement?.labels?.[0]?.textContent ?? ""')
    for (let turn = 0; turn < 10 && (await focusedLabel()) !== 'Name'; turn += 1) await keyboard.press('Tab')
    await keyboard.type('By hand')
    await keyboard.press('Tab')
    await keyboard.press('Tab')
    await keyboard.press('ControlOrMeta+a')
    await keyboard.insertText('{"step":1}')
    await tabTo('Create')
    await keyboard.press('Enter')
    await page.getByRole('heading', { name: 'By hand' }).waitFor()
    await page.getByRole('textbox', { name: 'Definition, as text' }).waitFor()
    const isInEditor = () => page.evaluate<boolean>('document.activeElement?.shadowRoot?.activeElement != null')
    for (let turn = 0; turn < 60 && !(await isInEditor()); turn += 1) await keyboard.press('Tab')
    await keyboard.press('ControlOrMeta+a')
    await keyboard.insertText('{"step":2}')
    await keyboard.press('ControlOrMeta+s')
    await page.getByText('Saved as v2').waitFor()
    for (let turn = 0; turn < 60 && (await focused()) !== 'Start'; turn += 1) await keyboard.press('Shift+Tab')
    await keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo('Start')
    await keyboard.press('Enter')
    await page.getByRole('status').getByText('pending').waitFor()
    await tabTo('Cancel it')
    await keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo('Cancel it')
    await keyboard.press('Enter')
    await page.getByRole('status').getByText('cancelled').waitFor()
  })
})
