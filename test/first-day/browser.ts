import type { Browser, Page } from 'playwright-core'
import { openBrowser } from '../console/browser.ts'

export async function withBrowser<Result>(act: (browser: Browser) => Promise<Result>): Promise<Result> {
  const browser = await openBrowser()
  if ('missing' in browser) throw new Error(browser.missing)
  try {
    return await act(browser)
  } finally {
    await browser.close()
  }
}

export interface Person {
  readonly username: string
  readonly password: string
}

/** Two windows of one user change the same workflow: what the page says in each. */
export async function saveFromTwoWindows(
  browser: Browser,
  frontUrl: string,
  person: Person & { readonly workflow: string; readonly picture: string | undefined },
): Promise<readonly string[]> {
  const [first, second] = [await openEditor(browser, frontUrl, person), await openEditor(browser, frontUrl, person)]
  const said = [`first window: ${await save(first, '{ "retry": 1.0 }', /Saved version/)}`]
  said.push(`second window: ${await save(second, '{ "retry": 3.0 }', /^412/)}`)
  said.push(`second window, their definition: ${await second.locator('#theirs').inputValue()}`)
  if (person.picture !== undefined) await second.screenshot({ path: person.picture })
  await second.getByRole('button', { name: 'Replace theirs with mine' }).click()
  said.push(`second window: ${await messageOf(second, /Saved version/)}`)
  return said
}

async function openEditor(
  browser: Browser,
  url: string,
  { username, password, workflow }: Person & { readonly workflow: string },
): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 900, height: 820 } })
  await page.goto(url)
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: workflow }).click()
  await page.getByRole('heading', { name: workflow }).waitFor()
  return page
}

async function save(page: Page, text: string, said: RegExp): Promise<string> {
  await page.getByLabel('Definition', { exact: true }).fill(text)
  await page.getByRole('button', { name: 'Save' }).click()
  return messageOf(page, said)
}

async function messageOf(page: Page, said: RegExp): Promise<string> {
  const message = page.getByRole('status').filter({ hasText: said })
  await message.waitFor()
  return (await message.textContent()) ?? ''
}

/** The console shows the same user the workflow's versions. */
export async function versionsInConsole(
  browser: Browser,
  url: string,
  { username, password, workflowId }: Person & { readonly workflowId: string },
): Promise<readonly string[]> {
  const page = await browser.newPage()
  await page.goto(`${url}/console`)
  await page.getByLabel('Username or email').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
  await page.goto(`${url}/console/workflows/${workflowId}/versions`)
  const versions = page.locator('.version-number')
  await versions.first().waitFor()
  return versions.allTextContents()
}
