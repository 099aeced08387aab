import { createClient, exactJson, toJson } from '@millrace/client'
import { expect, onTestFinished, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { startCuttingProxy } from '../drivers/cutting-proxy.ts'
import { axeFindings } from './axe.ts'
import { callAs, createWorkflow, password, useStage, writeInto } from './kit.ts'

const definition = '{"nodes":[{"id":"fetch"},{"id":"mail"}],"edges":[{"source":"fetch","target":"mail"}]}'

describeDialects((dialect) => {
  const stage = useStage(dialect)

  async function workerOf(username: string) {
    const client = createClient({ url: stage.service().urls[0] ?? '' })
    await client.auth.login({ username, password })
    return client
  }

  test('an execution is started, watched live while a worker does it, and retried', async (context) => {
    const { page, username } = await stage.person(context, 'watcher')
    const id = await createWorkflow(await callAs(stage.service(), username), 'Watched', definition)
    await page.goto(`/console/workflows/${id}/executions`)
    await page.getByText('No such execution').or(page.getByText('No executions yet')).waitFor()
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await writeInto(page, 'Input', '{"rows":1.50}')
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click()
    await page.getByRole('heading', { name: 'Execution of Watched' }).waitFor()
    await page.getByRole('status').getByText('pending').waitFor()
    await page.getByText('{"rows":1.50}').waitFor()

    const worker = await workerOf(username)
    const [claimed] = await worker.executions.claim({ worker: 'w', limit: 1 })
    if (claimed === undefined) throw new Error('nothing was claimed')
    await page.getByRole('status').getByText('running').waitFor()
    const { fence } = claimed
    await worker.executions.recordSteps(claimed.id, {
      fence,
      steps: [{ key: 'fetch', output: exactJson('{"n":2.00}') }],
    })
    await page.getByText('1 step', { exact: true }).waitFor()
    await page.getByRole('region', { name: 'Graph of 2 nodes' }).locator('.mark-done').waitFor()
    await page.locator('summary').getByText('fetch').click()
    await page.getByText('{"n":2.00}').waitFor()
    await worker.executions.report(claimed.id, { fence, status: 'completed', state: toJson({ sent: true }) })
    await page.getByRole('status').getByText('completed').waitFor()
    await page.getByText('{"sent":true}').waitFor()
    expect(await axeFindings(page)).toEqual([])

    await page.getByRole('button', { name: 'Retry' }).click()
    await page.getByText('A new execution with the same input').waitFor()
    await page.getByRole('status').getByText('pending').waitFor()
    expect(page.url()).not.toContain(claimed.id)
    await page.getByRole('button', { name: 'Cancel it' }).click()
    await page.getByRole('dialog').getByText('It ends at once.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel it' }).click()
    await page.getByRole('status').getByText('cancelled').waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Execution deleted').waitFor()
    await page.getByRole('heading', { name: 'Executions' }).waitFor()
    await page.getByRole('button', { name: 'completed' }).click()
    await expect.poll(() => page.locator('a.row').count()).toBe(1)
    expect(page.url()).toMatch(/\?status=completed$/)
    expect(await axeFindings(page)).toEqual([])
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
    await card.getByRole('button', { name: 'Disable' }).click()
    await card.getByText('disabled', { exact: true }).waitFor()
    await card.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No schedules yet').waitFor()
  })
})
