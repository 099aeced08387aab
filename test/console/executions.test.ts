import { createClient, exactJson, toJson } from '@millrace/client'
import { expect, test } from 'vitest'
import { describeDialectsInTurn } from '../dialects.ts'
import { axeFindings } from './axe.ts'
import { callAs, createWorkflow, password, useStage, writeInto } from './kit.ts'

const definition = '{"nodes":[{"id":"fetch"},{"id":"mail"}],"edges":[{"source":"fetch","target":"mail"}]}'

describeDialectsInTurn((dialect) => {
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
})
