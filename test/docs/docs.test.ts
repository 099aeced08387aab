import { routes } from '@millrace/api/app'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest'
import { isCi } from '../dialects.ts'
import { findChromium } from '../servers/chromium.ts'
import { password, register } from '../contract/world.ts'
import { startService, type Service } from '../service.ts'

const unpackingMilliseconds = 180_000
/** The reader takes its time over the whole document, on a busy machine more. */
const readingMilliseconds = 120_000

/** A page that is watched: what it complains of, what its policy blocked, whom it asked. */
interface WatchedPage {
  readonly page: Page
  readonly complaints: string[]
  readonly hosts: Set<string>
  readonly violations: () => Promise<readonly string[]>
}

describe('/docs in a browser', { timeout: readingMilliseconds }, () => {
  let browser: Browser | undefined
  let service: Service
  let missing = ''

  beforeAll(async () => {
    service = await startService('sqlite')
    const found = findChromium()
    if ('missing' in found) {
      missing = found.missing
      return
    }
    browser = await chromium.launch({
      executablePath: found.command,
      env: { ...process.env, ...found.environment },
      // Chromium's own sandbox needs rights that containers seldom give; the page is ours.
      args: ['--no-sandbox', '--disable-gpu'],
    })
  }, unpackingMilliseconds)
  afterAll(async () => {
    await browser?.close()
    await service.stop()
  })

  /** Skips the test where there is no browser; in CI, where nothing may be missing, it fails. */
  async function openDocs(context: TestContext): Promise<WatchedPage> {
    if (browser === undefined) {
      if (!isCi()) context.skip(missing)
      throw new Error(missing)
    }
    const page = await browser.newPage()
    const complaints: string[] = []
    const hosts = new Set<string>()
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url())
      if (protocol !== 'data:') hosts.add(host)
    })
    await page.addInitScript(
      `globalThis.blocked = []
       document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
         globalThis.blocked.push(violatedDirective + ' ' + blockedURI)
       })`,
    )
    await page.goto(`${service.urls[0]}/docs`)
    return { page, complaints, hosts, violations: () => page.evaluate<string[]>('globalThis.blocked') }
  }

  test('every route is to be seen, and nothing is complained of, blocked or asked of another host', async (context) => {
    const { page, complaints, hosts, violations } = await openDocs(context)
    await page.locator('.opblock').first().waitFor({ timeout: readingMilliseconds })
    const shown = await Promise.all(
      (await page.locator('.opblock-summary').all()).map(async (summary) => {
        const method = await summary.locator('.opblock-summary-method').textContent()
        const path = await summary.locator('.opblock-summary-path').textContent()
        // The reader puts a zero-width space before each slash, for lines to break.
        return `${method} ${path?.replaceAll('\u200b', '')}`
      }),
    )
    expect(shown.toSorted()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).toSorted())
    expect(complaints).toEqual([])
    expect(await violations()).toEqual([])
    expect([...hosts]).toEqual([new URL(service.urls[0] ?? '').host])
    await page.close()
  })

  test('a request can be tried, without a token and with one', async (context) => {
    const { page, complaints, violations } = await openDocs(context)
    page.setDefaultTimeout(readingMilliseconds)
    expect(await tryRequest(page, 'getHealth')).toMatchObject({
      status: '200',
      body: expect.stringContaining('"ok"'),
    })

    await register(service, 'reader')
    await page.locator('#login [name=username]').fill('reader')
    await page.locator('#login [name=password]').fill(password)
    await page.locator('#login [value=login]').click()
    await page.locator('#login output', { hasText: 'Logged in as reader' }).waitFor()
    expect(await tryRequest(page, 'getMe')).toMatchObject({
      status: '200',
      body: expect.stringContaining('reader@example.com'),
    })
    expect(complaints).toEqual([])
    expect(await violations()).toEqual([])
    await page.close()
  })

  test('what stands in the page itself is not run', async (context) => {
    const { page, violations } = await openDocs(context)
    await page.evaluate(`
      const script = document.createElement('script')
      script.textContent = 'globalThis.hasRun = true'
      document.body.append(script)`)
    expect(await page.evaluate('globalThis.hasRun')).toBeUndefined()
    expect(await violations()).toEqual([expect.stringMatching(/^script-src.* inline$/)])
    await page.close()
  })
})

async function tryRequest(page: Page, operation: string): Promise<{ status: string; body: string }> {
  const block = page.locator(`.opblock[id$="-${operation}"]`)
  await block.locator('.opblock-summary').click()
  await block.locator('.try-out__btn').click()
  await block.locator('.execute').click()
  const live = block.locator('.live-responses-table .response').first()
  await live.waitFor()
  const status = (await live.locator('.response-col_status').textContent()) ?? ''
  return { status: status.trim().slice(0, 3), body: (await live.textContent()) ?? '' }
}
