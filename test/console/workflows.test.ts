import { expect, test } from 'vitest'
import { describeDialectsInTurn } from '../dialects.ts'
import { axeFindings } from './axe.ts'
import { callAs, createWorkflow, useStage, writeInto } from './kit.ts'

const exact = '{ "retry": 1.0, "limit": 12345678901234567890, "10": "b", "2": "a", "nodes": [], "e": 1E400 }'
describeDialectsInTurn((dialect) => {
  const stage = useStage(dialect)

  test('a newcomer registers, creates a workflow, changes it and compares the versions', async (context) => {
    const { page, username } = await stage.person(context, 'newcomer')
    await page.getByText('No workflows yet').waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('link', { name: 'New workflow' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('Exact')
    await writeInto(page, 'Definition', exact)
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('heading', { name: 'Exact', level: 1 }).waitFor()
    const id = page.url().split('/').at(-1) ?? ''

    const call = await callAs(stage.service(), username)
    expect((await call('GET', `/v1/workflows/${id}`)).text).toContain(`"definition":${exact},`)

    const changed = exact.replace('1.0', '2.50').replace(' }', ',\r\n "added": true\n}')
    await writeInto(page, 'Definition, as text', changed)
    await page.getByLabel('What changed').fill('retry more')
    await page.keyboard.press('Enter')
    await page.getByText('Saved as v2').waitFor()
    expect((await call('GET', `/v1/workflows/${id}/versions/2`)).text).toContain('"changeNotes":"retry more"')
    expect((await call('GET', `/v1/workflows/${id}/versions/1`)).text).toContain(`"definition":${exact}`)
    expect((await call('GET', `/v1/workflows/${id}`)).text).toContain('"retry": 2.50')

    await page.getByRole('link', { name: 'Versions' }).click()
    await page.getByText('retry more').waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Compare v1 with v2' }).click()
    await page.getByText('"added": true').waitFor()
    expect(await axeFindings(page)).toEqual([])
  })

  test('what a colleague saved in between is shown beside, and nothing is overwritten unasked', async (context) => {
    const { page, username, expectStatus } = await stage.person(context, 'careful')
    const call = await callAs(stage.service(), username)
    const id = await createWorkflow(call, 'Shared', '{"step":1}')
    await page.goto(`/console/workflows/${id}`)
    await writeInto(page, 'Definition, as text', '{"step":"mine"}')
    expect(
      (await call('PATCH', `/v1/workflows/${id}`, '{"definition":{"step":"theirs"}}', { 'If-Match': '"1"' })).status,
    ).toBe(200)
    expectStatus(412)
    await page.keyboard.press('ControlOrMeta+s')
    const dialog = page.getByRole('dialog', { name: 'Someone else saved in between' })
    await dialog.getByText('"theirs"').waitFor()
    await dialog.getByText('"mine"').waitFor()
    expect(await axeFindings(page)).toEqual([])
    expect((await call('GET', `/v1/workflows/${id}`)).text).toContain('{"step":"theirs"}')
    await dialog.getByRole('button', { name: 'Save mine as v3' }).click()
    await page.getByText('Saved as v3').waitFor()
    expect((await call('GET', `/v1/workflows/${id}`)).text).toContain('{"step":"mine"}')
    expect((await call('GET', `/v1/workflows/${id}/versions/2`)).text).toContain('{"step":"theirs"}')
  })
})
