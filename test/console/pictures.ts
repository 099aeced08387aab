/**
 * Pictures of every page of the console, at three widths, light and dark: `pnpm pictures [--out DIR] [--width 390 …]`. It starts a `dev` of
 * its own and fills it, and ends with 1 where a page complains.
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { workspaceRoot } from '../workspace.ts'
import { openBrowser, watch } from './browser.ts'
import { pagesOf } from './page-list.ts'
import { startOwnService, type OwnService } from './own-service.ts'
import { fillSample, type Sample } from './sample.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(workspaceRoot, '.cache/pictures') },
    width: { type: 'string', multiple: true, default: ['390', '820', '1440'] },
  },
})
const out = resolve(values.out)
const widths = values.width.map(Number)
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

async function take(
  opened: Browser,
  { url, username, password }: OwnService,
  sample: Sample,
  look: Look,
): Promise<void> {
  const { page, context, faults } = await watch(opened, url, { ...look, height: 900 })
  const shoot = async (name: string): Promise<void> => {
    await page.waitForLoadState('networkidle')
    await page.waitForTimeout(400)
    await page.screenshot({ path: join(out, `${name}-${look.width}-${look.colorScheme}.png`) })
  }
  await page.goto('/console')
  await page.getByLabel('Username or email').fill(username)
  await page.getByLabel('Password').fill(password)
  await shoot('log-in')
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
  for (const [name, path] of Object.entries(pagesOf(sample))) {
    await page.goto(path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await shoot(name)
    for (const fault of faults.splice(0)) {
      process.exitCode = 1
      process.stdout.write(`${name} ${look.width} ${look.colorScheme}: ${fault}\n`)
    }
  }
  await context.close()
  process.stdout.write(`${out}: ${look.width} ${look.colorScheme}\n`)
}
