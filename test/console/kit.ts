import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, type TestContext } from 'vitest'
import { isCi, type DialectName } from '../dialects.ts'
import { startService, type Service, type ServiceOptions } from '../service.ts'
import { openBrowser, watch, type Watched, type WatchOptions } from './browser.ts'

const unpackingMilliseconds = 180_000
export const password = 'correct horse battery'

/** A person at the console: a profile of their own in the browser, and their name. */
export interface Person extends Watched {
  readonly username: string
}

export interface Stage {
  readonly service: () => Service
  /** A person who has just registered, on the list of workflows. */
  person(context: TestContext, name: string, options?: WatchOptions): Promise<Person>
  /** A page without a session. */
  visitor(context: TestContext, options?: WatchOptions): Promise<Watched>
}

/**
 * A service and a browser for the tests of a suite. After each test no page may have complained, been answered an error
 * that the test did not expect, or asked another host.
 */
export function useStage(dialect: DialectName, options: ServiceOptions = {}): Stage {
  let service: Service | undefined
  let browser: Browser | undefined
  let missing = ''
  const opened: Watched[] = []

  beforeAll(async () => {
    const found = await openBrowser()
    if ('missing' in found) missing = found.missing
    else browser = found
    service = await startService(dialect, options)
  }, unpackingMilliseconds)
  afterEach(async () => {
    const faults = opened.flatMap((one) => one.faults)
    await Promise.all(opened.map(({ context }) => context.close()))
    opened.length = 0
    expect(faults).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await service?.stop()
  })

  async function visitor(context: TestContext, watching?: WatchOptions): Promise<Watched> {
    if (browser === undefined) {
      if (!isCi()) context.skip(missing)
      throw new Error(missing)
    }
    const watched = await watch(browser, serviceUrl(), watching)
    opened.push(watched)
    return watched
  }

  const serviceUrl = (): string => running().urls[0] ?? ''
  const running = (): Service => {
    if (service === undefined) throw new Error('the service has not started')
    return service
  }

  return {
    service: running,
    visitor,
    async person(context, name, watching) {
      const watched = await visitor(context, watching)
      await registerIn(watched.page, name)
      return { ...watched, username: name }
    },
  }
}

/** Makes an account on the first page. */
export async function registerIn(page: Page, username: string): Promise<void> {
  await page.goto('/console#register')
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Email').fill(`${username}@example.com`)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Make the account' }).click()
  await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
}

/** Calls the API as this person: with a session of its own. */
export async function callAs(service: Service, username: string) {
  const login = await service.fetch('/v1/auth/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  const { accessToken } = (await login.json()) as { accessToken: string }
  return async (method: string, path: string, body?: string, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await service.fetch(path, {
      method,
      headers: {
        Authorization: `Bearer ${accessToken}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    return { status: answer.status, text: await answer.text() }
  }
}

export type Call = Awaited<ReturnType<typeof callAs>>

/** Creates a workflow past the console; gives its id. */
export async function createWorkflow(call: Call, name: string, definition: string): Promise<string> {
  const { status, text } = await call(
    'POST',
    '/v1/workflows',
    `{"name":${JSON.stringify(name)},"definition":${definition}}`,
  )
  expect(status).toBe(201)
  return (JSON.parse(text) as { id: string }).id
}

/** Puts a text into an editor as one pastes it, in place of what is there. */
export async function writeInto(page: Page, label: string, text: string): Promise<void> {
  const editor = page.getByRole('textbox', { name: label })
  await editor.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText(text)
}
