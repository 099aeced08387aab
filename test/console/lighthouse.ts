/**
 * Lighthouse's scores of every page of the console: `pnpm lighthouse [--form mobile] [--page NAME …]`. npx fetches
 * Lighthouse, which is no dependency. It starts a `dev` of its own and fills it, and ends with 1 where a score is below 95.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { chromium, type BrowserContext } from 'playwright-core'
import { findChromium } from '../servers/chromium.ts'
import { pagesOf } from './page-list.ts'
import { startOwnService, type OwnService } from './own-service.ts'
import { fillSample } from './sample.ts'

const { values } = parseArgs({
  options: { form: { type: 'string', default: 'desktop' }, page: { type: 'string', multiple: true } },
})
const run = promisify(execFile)
const lighthouse = 'lighthouse@13.5.0'
const categories = ['performance', 'accessibility', 'best-practices'] as const
const leastScore = 95

const found = findChromium()
if ('missing' in found) throw new Error(found.missing)
const profile = mkdtempSync(join(tmpdir(), 'millrace-lighthouse-'))
const service = await startOwnService()
const port = await freePort()
const context = await chromium.launchPersistentContext(profile, {
  executablePath: found.command,
  env: { ...process.env, ...found.environment },
  args: ['--no-sandbox', `--remote-debugging-port=${port}`],
})
try {
  const sample = await fillSample(service)
  await logIn(context, service)
  process.stdout.write(`| page | ${categories.join(' | ')} | what is below 1 |\n|---|---:|---:|---:|---|\n`)
  for (const [name, path] of Object.entries(pagesOf(sample)))
    if (values.page?.includes(name) !== false) await measure(name, `${service.url}${path}`)
  await context.clearCookies()
  if (values.page?.includes('log-in') !== false) await measure('log-in', `${service.url}/console`)
} finally {
  await context.close()
  await service.stop()
  rmSync(profile, { recursive: true, force: true })
}

async function logIn(opened: BrowserContext, { url, username, password }: OwnService): Promise<void> {
  const page = await opened.newPage()
  await page.goto(`${url}/console`)
  await page.getByLabel('Username or email').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
  await page.close()
}

interface Report {
  readonly categories: Readonly<
    Record<string, { readonly score: number | null; readonly auditRefs: readonly { id: string; weight: number }[] }>
  >
  readonly audits: Readonly<
    Record<string, { readonly score: number | null; readonly displayValue?: string; readonly title: string }>
  >
}

async function measure(name: string, url: string): Promise<void> {
  const flags = ['--quiet', '--output=json', '--disable-storage-reset', `--port=${port}`, '--max-wait-for-load=60000']
  const form = values.form === 'desktop' ? ['--preset=desktop'] : []
  const { stdout } = await run(
    'npx',
    ['-y', lighthouse, url, ...flags, ...form, `--only-categories=${categories.join(',')}`],
    { maxBuffer: 100_000_000 },
  )
  const report = JSON.parse(stdout) as Report
  const scores = categories.map((category) => Math.round((report.categories[category]?.score ?? 0) * 100))
  if (scores.some((score) => score < leastScore)) process.exitCode = 1
  process.stdout.write(`| ${name} | ${scores.join(' | ')} | ${lacking(report).join('; ')} |\n`)
}

/** What has a weight in a score and is not full. */
function lacking({ categories: scored, audits }: Report): readonly string[] {
  const ids = new Set(Object.values(scored).flatMap(({ auditRefs }) => auditRefs.filter(({ weight }) => weight > 0)))
  return [...ids].flatMap(({ id }) => {
    const { score = null, displayValue } = audits[id] ?? {}
    return score === null || score >= 0.99 ? [] : [displayValue === undefined ? id : `${id} ${displayValue}`]
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}
