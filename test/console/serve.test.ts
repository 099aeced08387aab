import { newServiceSecrets } from '@millrace/cli/secrets'
import { expect, test, vi } from 'vitest'
import { documentOf, emptyDirectory, startMillrace } from '../cli/millrace.ts'
import { freshDatabase, isCi } from '../dialects.ts'
import { axeFindings } from './axe.ts'
import { openBrowser, watch } from './browser.ts'
import { registerIn, writeInto } from './kit.ts'

vi.setConfig({ testTimeout: 240_000 })

test('`millrace serve` has the console as the functions have it', async (context) => {
  const browser = await openBrowser()
  if ('missing' in browser) {
    if (!isCi()) context.skip(browser.missing)
    throw new Error(browser.missing)
  }
  const database = await freshDatabase('sqlite')
  const running = startMillrace(['serve', '--migrate', '--port', '0', '--json'], {
    cwd: emptyDirectory(),
    env: { DATABASE_URL: database.url, ...newServiceSecrets(), BCRYPT_COST: '4' },
  })
  try {
    await vi.waitFor(
      () => {
        if (!running.stdout().includes('\n')) throw new Error(`it is not ready: ${running.stderr()}`)
      },
      { timeout: 60_000, interval: 50 },
    )
    const { url } = documentOf({ stdout: running.stdout() }) as { url: string }
    const { page, faults } = await watch(browser, url)
    await registerIn(page, 'served')
    await page.getByRole('link', { name: 'New workflow' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('Served')
    await writeInto(page, 'Definition', '{"nodes":[{"id":"a"},{"id":"b"}],"edges":[{"source":"a","target":"b"}]}')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('region', { name: 'Graph of 2 nodes' }).waitFor()
    await page.reload()
    await page.getByRole('region', { name: 'Graph of 2 nodes' }).waitFor()
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click()
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Cancel it' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel it' }).click()
    await page.getByRole('status').getByText('cancelled').waitFor()
    expect(await axeFindings(page)).toEqual([])
    expect(faults).toEqual([])
  } finally {
    running.process.kill('SIGTERM')
    await running.ended
    await browser.close()
    await database.drop()
  }
})
