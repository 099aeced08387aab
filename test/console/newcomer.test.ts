import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { emptyDirectory, millrace, start, startMillrace } from '../cli/millrace.ts'
import { isCi } from '../dialects.ts'
import { workspaceRoot } from '../workspace.ts'
import { axeFindings } from './axe.ts'
import { openBrowser, watch } from './browser.ts'
import { password, writeInto } from './kit.ts'

vi.setConfig({ testTimeout: 180_000 })

const order = join(workspaceRoot, 'examples/worker/flows/order.json')
const worker = join(workspaceRoot, 'examples/worker/src/worker.ts')

/** "Five minutes in the console" of the README, step by step. */
test('a newcomer goes from `dev` to a workflow that was changed, compared, worked and backed up', async (context) => {
  const browser = await openBrowser()
  if ('missing' in browser) {
    if (!isCi()) context.skip(browser.missing)
    throw new Error(browser.missing)
  }
  onTestFinished(() => browser.close())
  const cwd = emptyDirectory()
  const console = await startDev(cwd)
  const url = new URL(console).origin
  const { page, faults } = await watch(browser, url)

  await page.goto(console)
  await page.getByRole('button', { name: 'Make an account' }).click()
  await page.getByLabel('Username').fill('newcomer')
  await page.getByLabel('Email').fill('newcomer@example.com')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Make the account' }).click()

  await importChangeAndCompare(page)
  await watchAWorker(page, { key: await makeKey(page), url, cwd })

  const role = await millrace(['user', 'role', 'newcomer', 'admin'], { cwd })
  expect(role.exitCode, role.stderr).toBe(0)
  await page.reload()
  await page.getByRole('link', { name: 'Backups' }).click()
  await page.getByRole('button', { name: 'Back up now' }).click()
  await page.locator('.backup').getByText('verified', { exact: true }).waitFor({ timeout: 60_000 })
  await page.getByRole('link', { name: 'Status' }).click()
  await page.getByText('Production checklist').waitFor()
  expect(await axeFindings(page)).toEqual([])
  expect(faults).toEqual([])
})

/** Gives the address of the console, as `dev` prints it. */
async function startDev(cwd: string): Promise<string> {
  const dev = startMillrace(['dev', '--port', '0'], { cwd, env: { BCRYPT_COST: '4' } })
  return vi.waitFor(
    () => {
      const [, address] = /^ +console +(\S+)$/m.exec(dev.stdout()) ?? []
      if (address === undefined) throw new Error(`it is not ready: ${dev.stdout()} ${dev.stderr()}`)
      return address
    },
    { timeout: 60_000, interval: 50 },
  )
}

async function importChangeAndCompare(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'New workflow' }).first().click()
  await page.getByLabel('From files').setInputFiles(order)
  await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toBe('Order')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  const graph = page.getByRole('region', { name: 'Graph of 6 nodes' })
  await graph.getByText('Charge the card').click()
  // It is found in the text.
  await expect.poll(() => page.locator('.split-text .cm-selectionBackground').count()).toBeGreaterThan(0)
  await writeInto(
    page,
    'Definition, as text',
    readFileSync(order, 'utf8').replace('Charge the card', 'Charge it twice'),
  )
  await page.getByLabel('What changed').fill('charge twice')
  await page.getByRole('button', { name: 'Save a new version' }).click()
  await page.getByText('Saved as v2').waitFor()
  await graph.getByText('Charge it twice').waitFor()
  await page.getByRole('link', { name: 'Versions' }).click()
  await page.getByText('charge twice').waitFor()
  await page.getByRole('button', { name: 'Compare v1 with v2' }).click()
  await page.getByText('"Charge it twice"').waitFor()
  await page.getByRole('button', { name: 'Graph' }).click()
  await page.getByText('1 changed').waitFor()
}

async function makeKey(page: Page): Promise<string> {
  await page.getByRole('link', { name: 'newcomer' }).click()
  await page.getByRole('button', { name: 'New API key' }).click()
  await page.getByLabel('Name').fill('worker')
  await page.getByLabel('change whatever you may change').check()
  await page.getByLabel('claim and work executions').check()
  await page.getByRole('button', { name: 'Make the key' }).click()
  const shown = page.getByRole('dialog', { name: 'Your new API key' })
  const key = await shown.locator('code').innerText()
  await shown.getByRole('button', { name: 'Close' }).click()
  return key.trim()
}

interface At {
  readonly key: string
  readonly url: string
  readonly cwd: string
}

async function watchAWorker(page: Page, { key, url, cwd }: At): Promise<void> {
  const args = ['--url', url, '--act-milliseconds', '1', '--ledger', join(cwd, 'ledger.jsonl')]
  start(process.execPath, [worker, ...args], { cwd, env: { MILLRACE_API_KEY: key } })
  await page.getByRole('link', { name: 'Workflows', exact: true }).click()
  await page.getByRole('link', { name: /Order/ }).click()
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await writeInto(page, 'Input', '{"article":"book","amount":12.50}')
  await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click()
  await page.getByText('It waits for the signal approval.').waitFor()
  await page.locator('summary').getByText('charge').waitFor()
  await page.getByRole('button', { name: 'Send a signal' }).click()
  await page.getByLabel('Name').fill('approval')
  await writeInto(page, 'Payload', '{"isApproved":true}')
  await page.getByRole('dialog').getByRole('button', { name: 'Send a signal' }).click()
  await page.getByRole('status').getByText('completed').waitFor()
  // Reserved, charged, approved, shipped and told; the money was not given back.
  await expect.poll(() => page.locator('.react-flow__node .mark-done').count()).toBe(5)
  expect(await page.locator('.span-step').count()).toBeGreaterThanOrEqual(4)
}
