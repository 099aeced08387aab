/**
 * Lighthouse's scores of every page of the console: `pnpm lighthouse [--form mobile] [--page NAME …] [--runs 3]`. npx
 * fetches Lighthouse, which is no dependency. It starts a `dev` of its own and fills it.
 *
 * A run that fails is repeated in a new Chromium, and the other pages go on. A page whose score of performance is below 95
 * is run again, and the median of the runs counts: under simulated throttling a busy machine makes a page slow, never fast.
 * Ends with 1 where a score is below 95 or a page could not be measured.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { chromium, type BrowserContext } from 'playwright-core'
import { findChromium } from '../servers/chromium.ts'
import { pagesOf } from './page-list.ts'
import { startOwnService, type OwnService } from './own-service.ts'
import { fillSample } from './sample.ts'

const { values } = parseArgs({
  options: {
    form: { type: 'string', default: 'desktop' },
    page: { type: 'string', multiple: true },
    runs: { type: 'string', default: '3' },
  },
})
const run = promisify(execFile)
const version = 'lighthouse@13.5.0'
const categories = ['performance', 'accessibility', 'best-practices'] as const
const leastScore = 95
const mostRuns = Number(values.runs)
const mostFailures = 2
const longestMilliseconds = 120_000

interface Audit {
  readonly score: number | null
  readonly displayValue?: string
  readonly details?: { readonly items?: readonly { readonly description?: string }[] }
}

interface Report {
  readonly categories: Readonly<
    Record<string, { readonly score: number | null; readonly auditRefs: readonly { id: string; weight: number }[] }>
  >
  readonly audits: Readonly<Record<string, Audit>>
}

interface Opened {
  readonly context: BrowserContext
  readonly folder: string
  readonly port: number
  readonly isLoggedIn: boolean
}

let opened: Opened | undefined
const found = findChromium()
if ('missing' in found) throw new Error(found.missing)
const { command, environment } = found
// Asked of npx once: it looks into the registry each time.
const lighthouse = (await run('npx', ['-y', '--package', version, '-c', 'command -v lighthouse'])).stdout.trim()
const service = await startOwnService()
try {
  const pages = { 'log-in': '/console', ...pagesOf(await fillSample(service)) }
  process.stdout.write(`| page | ${categories.join(' | ')} | runs | load | what is below 1 |\n`)
  process.stdout.write(`|---|${'---:|'.repeat(categories.length + 2)}---|\n`)
  for (const [name, path] of Object.entries(pages)) if (values.page?.includes(name) !== false) await measure(name, path)
} finally {
  await closeBrowser()
  await service.stop()
}

async function measure(name: string, path: string): Promise<void> {
  const reports: Report[] = []
  let failures = 0
  while (reports.length < mostRuns && failures < mostFailures) {
    try {
      reports.push(await runOnce(path, name !== 'log-in'))
    } catch (error) {
      failures += 1
      process.stderr.write(`${name}: ${String(error).split('\n')[0]}\n`)
      await closeBrowser()
    }
    if (reports.length === 1 && reports.every((report) => scoreOf(report, 'performance') >= leastScore)) break
  }
  const median = reports.toSorted((one, other) => scoreOf(one, 'performance') - scoreOf(other, 'performance'))[
    Math.floor((reports.length - 1) / 2)
  ]
  if (median === undefined) {
    process.exitCode = 1
    process.stdout.write(`| ${name} | could not be measured |\n`)
    return
  }
  const scores = categories.map((category) => scoreOf(median, category))
  if (scores.some((score) => score < leastScore)) process.exitCode = 1
  const [load = 0] = loadavg()
  const cells = [name, ...scores, reports.length, load.toFixed(1), lacking(median).join('; ')]
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}

async function runOnce(path: string, isLoggedIn: boolean): Promise<Report> {
  if (opened?.isLoggedIn !== isLoggedIn) {
    await closeBrowser()
    opened = await openBrowser(isLoggedIn)
  }
  await clearCache(opened.context)
  const report = join(opened.folder, 'report.json')
  rmSync(report, { force: true })
  const flags = [
    '--quiet',
    '--output=json',
    `--output-path=${report}`,
    '--disable-storage-reset',
    '--disable-full-page-screenshot',
  ]
  const form = values.form === 'desktop' ? ['--preset=desktop'] : []
  const only = `--only-categories=${categories.join(',')}`
  const args = [`${service.url}${path}`, ...flags, ...form, only, `--port=${opened.port}`, '--max-wait-for-load=30000']
  await run(lighthouse, args, { timeout: longestMilliseconds, maxBuffer: 100_000_000 })
  const read = JSON.parse(readFileSync(report, 'utf8')) as Report
  const complaints = read.audits['errors-in-console']?.details?.items ?? []
  // What was scored then is the page to log in.
  if (complaints.some(({ description = '' }) => description.includes('401'))) throw new Error('the session has ended')
  return read
}

async function openBrowser(isLoggedIn: boolean): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lighthouse-'))
  const port = await freePort()
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: command,
    env: { ...process.env, ...environment },
    args: ['--no-sandbox', '--disable-dev-shm-usage', `--remote-debugging-port=${port}`],
  })
  if (isLoggedIn) await logIn(context, service)
  return { context, folder, port, isLoggedIn }
}

/** Every page is loaded as by one who was never here; Lighthouse itself would take the session away with the cache. */
async function clearCache(context: BrowserContext): Promise<void> {
  const page = await context.newPage()
  const browser = await context.newCDPSession(page)
  await browser.send('Network.clearBrowserCache')
  await page.close()
}

async function closeBrowser(): Promise<void> {
  if (opened === undefined) return
  const { context, folder } = opened
  opened = undefined
  await context.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function logIn(context: BrowserContext, { url, username, password }: OwnService): Promise<void> {
  const page = await context.newPage()
  await page.goto(`${url}/console`)
  await page.getByLabel('Username or email').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
  await page.close()
}

function scoreOf(report: Report, category: string): number {
  return Math.round((report.categories[category]?.score ?? 0) * 100)
}

/** What has a weight in a score and is not full. */
function lacking({ categories: scored, audits }: Report): readonly string[] {
  const ids = new Set(Object.values(scored).flatMap(({ auditRefs }) => auditRefs.filter(({ weight }) => weight > 0)))
  return [...ids].flatMap(({ id }) => {
    const { score = null, displayValue, details } = audits[id] ?? {}
    // Of what the page complained about, the first is told.
    const [item] = details?.items ?? []
    const told = displayValue ?? item?.description
    return score === null || score >= 0.99 ? [] : [told === undefined ? id : `${id} ${told}`]
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
