/**
 * What the console costs a browser, by Chromium's own traces: `pnpm figures [--cpu 1] [--only graph] [--trace FILE]`. The first load, a
 * workflow of 1,000 nodes opened and panned, 100,000 executions scrolled through. `--cpu 4` has Chromium run four times
 * slower, as a phone.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { createClient, toJson } from '@millrace/client'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { workspaceRoot } from '../workspace.ts'
import { openBrowser, watch } from './browser.ts'
import { startOwnService, type OwnService } from './own-service.ts'

const { values } = parseArgs({
  options: { cpu: { type: 'string', default: '1' }, only: { type: 'string' }, trace: { type: 'string' } },
})
const slowdown = Number(values.cpu)
const nodes = 1000
const rows = 100_000

const service = await startOwnService()
const browser = await openBrowser()
try {
  if ('missing' in browser) throw new Error(browser.missing)
  say(`Chromium ${browser.version()}, CPU slowed ${slowdown} times`)
  for (const [name, measure] of Object.entries({ load: firstLoad, graph: largeGraph, list: longList }))
    if (values.only === undefined || values.only === name) await measure(browser, service)
} finally {
  if (!('missing' in browser)) await browser.close()
  await service.stop()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function openPage(
  opened: Browser,
  { url, username, password }: OwnService,
): Promise<{ page: Page; cdp: CDPSession }> {
  const { page, context } = await watch(opened, url)
  await page.goto('/console')
  await page.getByLabel('Username or email').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
  return { page, cdp }
}

/** What is fetched before the list of workflows shows, and when it shows. */
async function firstLoad(opened: Browser, own: OwnService): Promise<void> {
  const { page, cdp } = await openPage(opened, own)
  const scripts = new Map<string, number>()
  page.on('response', (response) => {
    const name = new URL(response.url()).pathname.split('/').at(-1) ?? ''
    if (/\.(js|css)$/.test(name)) scripts.set(name, gzippedSize(name))
  })
  await cdp.send('Network.clearBrowserCache')
  await page.reload()
  await page.getByText('No workflows yet').waitFor()
  const sum = (ending: string): number =>
    [...scripts].filter(([name]) => name.endsWith(ending)).reduce((total, [, bytes]) => total + bytes, 0)
  const paint = await page.evaluate<number>(`performance.getEntriesByName('first-contentful-paint')[0].startTime`)
  say(
    `first load: ${(sum('.js') / 1024).toFixed(1)} KiB of script and ${(sum('.css') / 1024).toFixed(1)} KiB of style, gzipped; first paint after ${paint.toFixed(0)} ms`,
  )
  await page.context().close()
}

function gzippedSize(name: string): number {
  const folder = join(workspaceRoot, 'functions/assets/console/assets')
  return readdirSync(folder).includes(name) ? gzipSync(readFileSync(join(folder, name))).length : 0
}

async function largeGraph(opened: Browser, own: OwnService): Promise<void> {
  const client = createClient({ url: own.url })
  await client.auth.login({ username: own.username, password: own.password })
  const { id } = await client.workflows.create({ name: 'Large', definition: toJson(definitionOf(nodes)) })
  const { page, cdp } = await openPage(opened, own)
  const begun = Date.now()
  await page.goto(`/console/workflows/${id}`)
  await page.locator('.react-flow__node').first().waitFor()
  const shown = Date.now() - begun
  const flow = await page.locator('.flow').boundingBox()
  if (flow === null) throw new Error('there is no graph')
  const [x, y] = [flow.x + flow.width / 2, flow.y + flow.height / 2]
  await page.mouse.move(x, y)
  for (let turn = 0; turn < 6; turn += 1) await page.mouse.wheel(0, -400)
  await page.waitForTimeout(1000)
  await page.mouse.down()
  const frames = await framesDuring(cdp, async () => page.evaluate(panning(x, y)))
  await page.mouse.up()
  say(`${nodes} nodes: shown ${shown} ms after they were asked for; panned ${frames}`)
  await page.context().close()
}

/**
 * Moves the mouse in each frame for three seconds, within the page: how fast a test can send moves from outside is not what
 * is measured.
 */
function panning(x: number, y: number): string {
  return `new Promise((resolve) => {
    const begun = performance.now()
    let turn = 0
    const move = () => {
      if (performance.now() - begun > 3000) return resolve()
      turn += 1
      const at = { clientX: ${x} + 250 * Math.sin(turn / 15), clientY: ${y} + 120 * Math.cos(turn / 15) }
      window.dispatchEvent(new MouseEvent('mousemove', { ...at, buttons: 1, bubbles: true, view: window }))
      requestAnimationFrame(move)
    }
    requestAnimationFrame(move)
  })`
}

function definitionOf(count: number): object {
  return {
    nodes: Array.from({ length: count }, (_none, index) => ({
      id: `n${index}`,
      type: 'task',
      data: { label: `Node ${index}` },
    })),
    edges: Array.from({ length: count - 1 }, (_none, index) => ({
      source: `n${Math.floor(index / 3)}`,
      target: `n${index + 1}`,
    })),
  }
}

interface TraceEvent {
  readonly name: string
  readonly tid: number
  /** Microseconds on the clock, and those of the thread's own time. */
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** Frames that Chromium drew, by its trace, what they cost each thread, and the longest that its main thread was held. */
async function framesDuring(cdp: CDPSession, act: () => Promise<unknown>): Promise<string> {
  const events: TraceEvent[] = []
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  const complete = new Promise<void>((resolve) => {
    cdp.once('Tracing.tracingComplete', () => resolve())
  })
  await cdp.send('Tracing.start', {
    categories:
      'devtools.timeline,toplevel,disabled-by-default-devtools.timeline,disabled-by-default-devtools.timeline.frame,__metadata',
    transferMode: 'ReportEvents',
  })
  const begun = Date.now()
  await act()
  const seconds = (Date.now() - begun) / 1000
  await cdp.send('Tracing.end')
  await complete
  const drawn = events.filter(({ name }) => name === 'DrawFrame').length
  const mainThreads = threadsNamed(events, 'CrRendererMain')
  const tasks = events.filter(({ name, tid }) => name === 'RunTask' && mainThreads.has(tid))
  const longest = Math.max(0, ...tasks.map(({ dur = 0 }) => dur / 1000))
  const working = tasks.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / 1000
  if (values.trace !== undefined) writeFileSync(values.trace, JSON.stringify(events))
  return `at ${(drawn / seconds).toFixed(0)} frames a second, ${(working / drawn).toFixed(1)} ms of the main thread for each, the longest task ${longest.toFixed(0)} ms`
}

function threadsNamed(events: readonly TraceEvent[], name: string): ReadonlySet<number> {
  return new Set(
    events.filter((event) => event.name === 'thread_name' && event.args?.name === name).map(({ tid }) => tid),
  )
}

/** The API's answers are made up here, so that what is measured is the page. */
async function longList(opened: Browser, own: OwnService): Promise<void> {
  const { page, cdp } = await openPage(opened, own)
  await page.route('**/v1/executions?*', (route) => {
    const url = new URL(route.request().url())
    const first = Number(url.searchParams.get('cursor') ?? 0)
    const items = Array.from({ length: 100 }, (_none, index) => executionAt(first + index))
    const nextCursor = first + 100 < rows ? String(first + 100) : null
    return route.fulfill({ json: { items, nextCursor } })
  })
  await page.goto('/console/executions')
  await page.locator('a.row').first().waitFor()
  for (let turn = 0; turn < 20; turn += 1) await toEnd(page)
  const early = await heapMegabytes(cdp)
  const earlyRows = await rowsKnown(page)
  const frames = await framesDuring(cdp, async () => {
    for (let turn = 0; turn < 60; turn += 1) await page.mouse.wheel(0, -900)
  })
  while ((await rowsKnown(page)) < rows) await toEnd(page)
  const late = await heapMegabytes(cdp)
  say(
    `${rows} executions: a heap of ${early} MB after ${earlyRows} rows, of ${late} MB after all; ${await page.locator('a.row').count()} rows in the page; scrolled ${frames}`,
  )
  await page.context().close()
}

async function toEnd(page: Page): Promise<void> {
  const before = await rowsKnown(page)
  await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)')
  for (let known = before; known === before && known < rows; known = await rowsKnown(page)) await page.waitForTimeout(5)
}

async function rowsKnown(page: Page): Promise<number> {
  const text = await page.locator('.window-list [role=status]').textContent()
  return Number(/\d+/.exec(text ?? '')?.[0] ?? 0)
}

function executionAt(index: number): object {
  const at = new Date(Date.UTC(2026, 0, 1) - index * 1000).toISOString()
  return {
    id: `01890000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    workflowId: 'w',
    workflowName: `Workflow ${index % 50}`,
    versionNumber: 1,
    userId: null,
    scheduleId: null,
    status: ['pending', 'running', 'completed', 'failed'][index % 4],
    error: null,
    attempts: 1,
    maxAttempts: 3,
    fence: 1,
    leaseUntil: null,
    dueAt: null,
    waitFor: null,
    createdAt: at,
    startedAt: at,
    completedAt: null,
    updatedAt: at,
  }
}

async function heapMegabytes(cdp: CDPSession): Promise<string> {
  await cdp.send('HeapProfiler.collectGarbage')
  await cdp.send('Performance.enable')
  const { metrics } = await cdp.send('Performance.getMetrics')
  return ((metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0) / 1e6).toFixed(1)
}
