import { createClient, toJson } from '@millrace/client'
import { expect, test } from 'vitest'
import { axeFindings } from './axe.ts'
import { callAs, createWorkflow, password, useStage, type Call } from './kit.ts'
import { describeHalf } from '../sampling.ts'

const graph = '{"nodes":[{"id":"a"},{"id":"b"}],"edges":[{"source":"a","target":"b"}]}'

const fileOf = (name: string, text: string) => ({ name, mimeType: 'application/json', buffer: Buffer.from(text) })

describeHalf('lists and files in the console', () => {
  const stage = useStage('sqlite')

  async function clientOf(username: string) {
    const client = createClient({ url: stage.service().urls[0] ?? '' })
    await client.auth.login({ username, password })
    return client
  }

  const idOf = async (call: Call, path: string): Promise<string> =>
    (JSON.parse((await call('GET', path)).text) as { id: string }).id

  test('a file fills the form and is kept to the byte; several are created at once, all or none', async (context) => {
    const { page, username } = await stage.person(context, 'files')
    const call = await callAs(stage.service(), username)
    const exact = '{ "name": "From a file", "limit": 12345678901234567890,\r\n "rate": 1.0 }'
    await page.goto('/console/workflows/new')
    const files = page.getByLabel('From files')
    await files.setInputFiles(fileOf('one.json', `\n${exact}\n`))
    await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toBe('From a file')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('heading', { name: 'From a file' }).waitFor()
    const id = page.url().split('/').at(-1) ?? ''
    expect((await call('GET', `/v1/workflows/${id}`)).text).toContain(`"definition":${exact},`)

    await page.goto('/console/workflows/new')
    await files.setInputFiles([fileOf('good.json', graph), fileOf('bad.json', '{"a":')])
    await page.getByRole('alert').getByText('bad.json is no JSON').waitFor()
    await files.setInputFiles(Array.from({ length: 101 }, (_none, index) => fileOf(`${index}.json`, graph)))
    await page.getByRole('alert').getByText('At most 100 files at once').waitFor()
    await files.setInputFiles([fileOf('second.json', graph), fileOf('third.json', graph)])
    await page.getByText('2 workflows created').waitFor()
    await page.getByRole('link', { name: /^second/ }).waitFor()
    expect(await page.locator('a.row').count()).toBe(3)
  })

  test('executions come into the list by themselves, and are chosen by status, workflow and time', async (context) => {
    const { page, username } = await stage.person(context, 'lister')
    const call = await callAs(stage.service(), username)
    const id = await createWorkflow(call, 'Listed', graph)
    const other = await createWorkflow(call, 'Other', graph)
    const client = await clientOf(username)
    await page.getByRole('link', { name: 'Executions' }).click()
    await page.getByText('No executions yet').waitFor()
    await client.executions.start(id)
    const row = page.getByRole('link', { name: /Listed/ })
    await row.getByText('pending').waitFor()
    const [claimed] = await client.executions.claim({ worker: 'w', limit: 1 })
    const error = { code: 'mail_refused', message: 'The recipient was refused' }
    await client.executions.report(claimed?.id ?? '', { fence: claimed?.fence ?? 0, status: 'failed', error })
    await client.executions.start(other)
    await page.getByRole('link', { name: /Other/ }).waitFor()
    await row.getByText('mail_refused: The recipient was refused').waitFor()
    expect(await axeFindings(page)).toEqual([])

    await page.getByRole('button', { name: 'failed' }).click()
    await expect.poll(() => page.locator('a.row').count()).toBe(1)
    await page.getByRole('button', { name: 'pending' }).click()
    await expect.poll(() => page.locator('a.row').count()).toBe(2)
    expect(page.url()).toMatch(/\?status=failed\.pending$/)
    await page.getByLabel('Until').fill('2020-01-01T00:00')
    await page.getByText('No such execution').waitFor()
    await page.reload()
    await page.getByText('No such execution').waitFor()
    await page.getByLabel('Until').fill('')
    await page.getByLabel('From').fill('2020-01-01T00:00')
    await expect.poll(() => page.locator('a.row').count()).toBe(2)
    // An address that somebody wrote by hand.
    await page.goto('/console/executions?since=yesterday&status=none')
    await expect.poll(() => page.locator('a.row').count()).toBe(2)

    await page.goto(`/console/workflows/${id}/executions`)
    await expect.poll(() => page.locator('a.row').count()).toBe(1)
    const exact = (await page.locator('a.row time').getAttribute('title')) ?? ''
    expect(exact).toMatch(/^\w+,? \d+ \w+ \d{4}.* \d\d:\d\d:\d\d CES?T \(\d{4}-.*Z\)$/)
  })

  test('the audit log is chosen by type, object, user and time, and each event is told whole', async (context) => {
    const { page, username } = await stage.person(context, 'auditor')
    const call = await callAs(stage.service(), username)
    const id = await createWorkflow(call, 'Audited', graph)
    await call('PATCH', `/v1/workflows/${id}`, '{"isPublic":true}', { 'If-Match': '"1"' })
    const me = await idOf(call, '/v1/auth/me')
    await page.getByRole('link', { name: 'Audit', exact: true }).click()
    const row = (name: string) => page.getByRole('button', { name: new RegExp(`^${name}`) })
    await row('Workflow published').waitFor()
    await row('User registered').waitFor()
    await page.getByLabel('Type').selectOption({ label: 'Workflow created' })
    await expect.poll(() => page.locator('button.row').count()).toBe(1)
    await page.getByLabel('Type').selectOption({ label: 'All' })
    await page.getByLabel('Id of the object').fill(id)
    await expect.poll(() => page.locator('button.row').count()).toBe(2)
    await page.getByLabel('Id of the user').fill(me)
    await expect.poll(() => page.url()).toContain(`actor=${me}`)
    await page.getByLabel('From', { exact: true }).fill('2099-01-01T00:00')
    await page.getByText('No such events').waitFor()
    await page.getByLabel('From', { exact: true }).fill('')
    await row('Workflow published').click()
    const event = page.getByRole('dialog', { name: 'Workflow published' })
    await event.getByText(id).first().waitFor()
    await event.getByText(me).waitFor()
    expect(await event.innerText()).toMatch(/Request\s+[\w-]{36}/)
    expect(await axeFindings(page)).toEqual([])
  })

  test('the checklist has the SQL of what it finds, to be copied', async (context) => {
    const { page, username } = await stage.person(context, 'operator')
    const { database } = stage.service()
    await database.query(`update users set role = 'admin' where username = '${username}'`)
    await database.query('drop index executions_created_at_id_index')
    await page.reload()
    await page.getByRole('link', { name: 'Status' }).click()
    const finding = page.getByRole('listitem').filter({ hasText: 'executions_created_at_id_index' }).first()
    await finding.getByRole('button', { name: 'Copy the SQL' }).click()
    const sql = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(sql).toMatch(/create index/i)
    await database.query(sql)
    await page.getByRole('button', { name: 'Look again' }).click()
    await finding.waitFor({ state: 'detached' })
  })

  test('what is typed in the settings elsewhere in between is not overwritten', async (context) => {
    const { page, username, expectStatus } = await stage.person(context, 'twice')
    const client = await clientOf(username)
    await page.getByRole('link', { name: 'Settings' }).click()
    const editor = page.getByRole('textbox', { name: 'Document' })
    await editor.click()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.insertText('{"mine":1.0}')
    await client.settings.put(toJson({ theirs: 2 }))
    expectStatus(412)
    await page.keyboard.press('ControlOrMeta+s')
    await page.getByText('Somebody else changed it in the meantime').waitFor()
    expect((await client.settings.get()).data).toContain('theirs')
    await page.getByRole('button', { name: 'Load what is there now' }).click()
    await editor.getByText('theirs').waitFor()
  })
})
