import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { findChromium } from '../servers/chromium.ts'

/** A page of the console, and all that went wrong in it: what the console said, answers that failed, what was refused. */
export interface Watched {
  readonly page: Page
  readonly context: BrowserContext
  /** Everything that the page said or was answered that it should not have been. */
  readonly faults: string[]
  /** Answers that a test means to provoke: their faults are let through. */
  readonly expectStatus: (status: number) => void
}

export interface WatchOptions {
  readonly width?: number
  readonly height?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** Debian's Chromium, or why there is none. */
export async function openBrowser(): Promise<Browser | { readonly missing: string }> {
  const found = findChromium()
  if ('missing' in found) return found
  return chromium.launch({
    executablePath: found.command,
    env: { ...process.env, ...found.environment },
    args: ['--no-sandbox'],
  })
}

/** A page of a fresh profile on this service. */
export async function watch(browser: Browser, url: string, options: WatchOptions = {}): Promise<Watched> {
  const { width = 1280, height = 800, colorScheme = 'light' } = options
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height },
    colorScheme,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const faults: string[] = []
  const expected = new Set<number>()
  page.on('console', (message) => {
    const isExpected = [...expected].some((status) => message.text().includes(`status of ${status}`))
    if ((message.type() === 'error' || message.type() === 'warning') && !isExpected) faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? ''
    // What the page gave up itself, having gone elsewhere.
    if (why !== 'net::ERR_ABORTED') faults.push(`${request.method()} ${request.url()} ${why}`)
  })
  page.on('response', (response) => {
    const status = response.status()
    if (status >= 400 && !expected.has(status))
      faults.push(`${response.request().method()} ${response.url()} ${status}`)
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.push(`asked ${request.url()}`)
  })
  return { page, context, faults, expectStatus: (status) => expected.add(status) }
}
