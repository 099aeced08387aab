/**
 * Pictures of every page of the console and its main dialogs, at three widths, light and dark: `pnpm pictures [--out DIR]
 * [--width 390 …] [--page NAME …]`. With `--docs` those of the README are made anew. It starts a `dev` of its own and fills
 * it, and ends with 1 where a page complains, where axe finds something, or where a page is wider than the window.
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { workspaceRoot } from '../workspace.ts'
import { axeFindings } from './axe.ts'
import { openBrowser, watch } from './browser.ts'
import { pagesOf } from './page-list.ts'
import { startOwnService, type OwnService } from './own-service.ts'
import { fillSample, type Sample } from './sample.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(workspaceRoot, '.cache/pictures') },
    width: { type: 'string', multiple: true, default: ['390', '820', '1440'] },
    page: { type: 'string', multiple: true },
    docs: { type: 'boolean', default: false },
  },
})
const out = resolve(values.out)
const widths = values.width.map(Number)
/** Pages that the README shows. */
const inReadme = new Set(['definition', 'execution'])
const colorSchemes = ['light', 'dark'] as const

const service = await startOwnService()
const browser = await openBrowser()
try {
  if ('missing' in browser) throw new Error(browser.missing)
  mkdirSync(out, { recursive: true })
  const sample = await fillSample(service)
  for (const width of widths)
    for (const colorScheme of colorSchemes) await take(browser, service, sample, { width, colorScheme })
} finally {
  if (!('missing' in browser)) await browser.close()
  await service.stop()
}

interface Look {
  readonly width: number
  readonly colorScheme: (typeof colorSchemes)[number]
}

/** A page, or one with something done on it. */
interface View {
  readonly name: string
  readonly path: string
  readonly act?: (page: Page) => Promise<unknown>
}

function viewsOf(sample: Sample, { metricsToken }: OwnService): readonly View[] {
  const pages = pagesOf(sample)
  const click = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true }).first().click()
  const on = (name: string, page: keyof typeof pages, act: NonNullable<View['act']>): View => ({
    name: `${page}-${name}`,
    path: pages[page] ?? '',
    act,
  })
  return [
    ...Object.entries(pages).map(([name, path]) => ({ name, path })),
    on('start', 'definition', click('Start')),
    on('new', 'schedules', click('New schedule')),
    on('delete', 'sharing', click('Delete')),
    on('signal', 'running', click('Send a signal')),
    on('secret', 'settings', click('Add a secret')),
    on('reveal', 'settings', click('Reveal')),
    on('key', 'account', click('New API key')),
    on('event', 'audit', (page) => page.locator('button.row').first().click()),
    on('nothing', 'workflows', async (page) => {
      await page.getByRole('searchbox').fill('no such name')
      await page.getByText('No workflow’s name holds').waitFor()
    }),
    on('keys', 'workflows', async (page) => {
      await page.locator('a.row').first().waitFor()
      await page.keyboard.press('?')
    }),
    on('shown', 'metrics', async (page) => {
      await page.getByLabel('Metrics token').fill(metricsToken)
      await page.getByRole('button', { name: 'Show' }).click()
      // Rates are known when it was looked at twice.
      await page.locator('.plot', { hasText: 'Requests' }).getByText('/s').waitFor()
    }),
  ]
}

async function take(opened: Browser, own: OwnService, sample: Sample, look: Look): Promise<void> {
  const { page, context, faults, expectStatus } = await watch(opened, own.url, { ...look, height: 900 })
  const isWanted = (name: string): boolean => values.page?.includes(name) !== false
  const shoot = async (name: string): Promise<void> => {
    // An editor is measured and drawn when it is seen.
    for (const top of ['document.documentElement.scrollHeight', '0']) {
      await page.evaluate(`scrollTo(0, ${top})`)
      await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
      await page.waitForTimeout(150)
      // Not until the network is idle: the events of a running execution never are.
      while ((await page.locator('[aria-busy=true]').count()) > 0) await page.waitForTimeout(50)
    }
    await page.screenshot({ path: join(out, `${name}-${look.width}-${look.colorScheme}.png`), fullPage: true })
    if (values.docs && inReadme.has(name) && look.width === 1440 && look.colorScheme === 'light')
      await page.screenshot({ path: join(workspaceRoot, `docs/images/console-${name}.png`) })
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    const findings = [
      ...faults.splice(0),
      ...(await axeFindings(page)),
      ...(overflow > 0 ? [`${overflow} px wider than the window`] : []),
    ]
    for (const finding of findings) {
      process.exitCode = 1
      process.stdout.write(`${name} ${look.width} ${look.colorScheme}: ${finding}\n`)
    }
  }
  await page.goto('/console#register')
  await page.getByLabel('Email').waitFor()
  if (isWanted('register')) await shoot('register')
  await page.goto('/console')
  await page.reload()
  await page.getByLabel('Username or email').fill(own.username)
  await page.getByLabel('Password').fill(own.password)
  if (isWanted('log-in')) await shoot('log-in')
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
  expectStatus(404)
  for (const { name, path, act } of viewsOf(sample, own)) {
    if (!isWanted(name)) continue
    await page.goto(path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await act?.(page)
    await shoot(name)
  }
  await context.close()
  process.stdout.write(`${out}: ${look.width} ${look.colorScheme}\n`)
}
