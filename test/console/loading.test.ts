import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { axeFindings } from './axe.ts'
import { callAs, createWorkflow, useStage } from './kit.ts'
import { describeHalf } from '../sampling.ts'

const mostFirstScript = 100 * 1024

/** What the browser itself says about files that the test keeps from it. */
function withoutMissing(faults: readonly string[], file: RegExp): readonly string[] {
  return faults.filter((fault) => !file.test(fault) && !/net::ERR_|status of 404/.test(fault))
}

describeHalf('the files of the console', () => {
  const stage = useStage('sqlite')

  const problem = (page: Page) =>
    page.getByRole('alert').filter({ hasText: 'A part of the console could not be loaded' })

  test('script of less than 100 KB, gzipped, is loaded before the first page shows', async (context) => {
    const { page } = await stage.visitor(context)
    const sizes: Promise<number>[] = []
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script')
        sizes.push(response.body().then((body) => gzipSync(body).length))
    })
    await page.goto('/console')
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    expect(total).toBeGreaterThan(10_000)
    expect(total).toBeLessThan(mostFirstScript)
  })

  test('a page whose file cannot be fetched says so, and is there when the network is', async (context) => {
    const { page, faults } = await stage.person(context, 'cut')
    const file = /\/assets\/settings-/
    await page.route(file, (route) => route.abort('connectionfailed'))
    await page.getByRole('link', { name: 'Settings' }).click()
    await problem(page).waitFor()
    expect(await axeFindings(page)).toEqual([])
    // Everything else works.
    await page.getByRole('link', { name: 'Workflows', exact: true }).click()
    await page.getByText('No workflows yet').waitFor()
    await page.goBack()
    await problem(page).waitFor()
    await page.unroute(file)
    await problem(page).getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await page.getByRole('textbox', { name: 'Document' }).waitFor()
    expect(withoutMissing(faults, file)).toEqual([])
    faults.length = 0
  })

  test('where a deployment has taken a file away, a reload is offered and has the new one', async (context) => {
    const { page, faults } = await stage.person(context, 'deployed')
    const file = /\/assets\/account-/
    await page.route(file, (route) =>
      route.fulfill({ status: 404, contentType: 'application/problem+json', body: '{"code":"not_found"}' }),
    )
    await page.getByRole('link', { name: 'deployed' }).click()
    await problem(page).getByRole('button', { name: 'Try again' }).click()
    await problem(page).waitFor()
    await page.unroute(file)
    await problem(page).getByRole('button', { name: 'Reload the page' }).click()
    await page.getByRole('heading', { name: 'Account' }).waitFor()
    expect(withoutMissing(faults, file)).toEqual([])
    faults.length = 0
  })

  test('a graph or an editor that cannot be fetched leaves the rest of its page', async (context) => {
    const { page, faults, username } = await stage.person(context, 'half')
    const id = await createWorkflow(
      await callAs(stage.service(), username),
      'Half',
      '{"nodes":[{"id":"a"}],"edges":[]}',
    )
    const file = /\/assets\/flow-/
    await page.route(file, (route) => route.abort('connectionfailed'))
    await page.goto(`/console/workflows/${id}`)
    await problem(page).waitFor()
    await page.getByRole('textbox', { name: 'Definition, as text' }).waitFor()
    await page.unroute(file)
    await problem(page).getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('region', { name: 'Graph of 1 node' }).waitFor()
    expect(withoutMissing(faults, file)).toEqual([])
    faults.length = 0
  })

  test('a page that cannot be drawn says so, and the others are there', async (context) => {
    const { page, faults } = await stage.person(context, 'torn')
    const list = '**/v1/workflows?*'
    const torn = { id: 'torn', name: 'Torn', permission: 'owner', versionNumber: 1, updatedAt: 'no time' }
    await page.route(list, (route) => route.fulfill({ json: { items: [torn], nextCursor: null } }))
    await page.reload()
    await page.getByRole('alert').getByText('This did not work').waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await page.unroute(list)
    await page.getByRole('link', { name: 'Workflows', exact: true }).click()
    await page.getByText('No workflows yet').waitFor()
    expect(faults.length).toBeGreaterThan(0)
    expect(faults.filter((fault) => !fault.includes('RangeError'))).toEqual([])
    faults.length = 0
  })

  test('where not even the first script comes, the page says what to do', async (context) => {
    const { page, faults } = await stage.visitor(context)
    await page.route(/\/assets\/index-.*\.js/, (route) => route.abort('connectionfailed'))
    await page.goto('/console')
    const advice = page.getByText('The console did not load')
    expect(await advice.isVisible()).toBe(false)
    const browser = await page.context().newCDPSession(page)
    await browser.send('Animation.enable')
    await browser.send('Animation.setPlaybackRate', { playbackRate: 100 })
    await advice.waitFor()
    faults.length = 0
  })
})
