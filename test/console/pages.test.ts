import { expect, test } from 'vitest'
import { axeFindings } from './axe.ts'
import { callAs, createWorkflow, password, useStage } from './kit.ts'
import { describeHalf } from '../sampling.ts'

/** Text that would be markup, script or a place outside where it is put together as text. */
const hostile = `<img src=x onerror=alert(1)>"'\`\${7*7}{{7*7}}</script><script>alert(1)</script>`

describeHalf('the console', () => {
  const stage = useStage('sqlite')

  async function administrator(context: Parameters<typeof stage.person>[0], name: string) {
    const person = await stage.person(context, name)
    await stage.service().database.query(`update users set role = 'admin' where username = '${name}'`)
    await person.page.reload()
    await person.page.getByRole('link', { name: 'Status' }).waitFor()
    return person
  }

  test('a deep link shows its page after logging in; back and forward go where one was', async (context) => {
    const { page, username } = await stage.person(context, 'deep')
    const id = await createWorkflow(
      await callAs(stage.service(), username),
      'Deep',
      '{"nodes":[{"id":"a"}],"edges":[]}',
    )
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await page.goto(`/console/workflows/${id}/versions`)
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.getByLabel('Username or email').fill(username)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.getByText('Choose two versions to compare.').waitFor()
    await page.getByRole('link', { name: 'Definition' }).click()
    await page.getByRole('region', { name: 'Graph of 1 node' }).waitFor()
    await page.goBack()
    await page.getByText('Choose two versions to compare.').waitFor()
    await page.goForward()
    await page.getByRole('region', { name: 'Graph of 1 node' }).waitFor()
    await page.reload()
    await page.getByRole('region', { name: 'Graph of 1 node' }).waitFor()
  })

  test('logging out is over when the service has answered; without an answer one is still logged in', async (context) => {
    const { page, faults } = await stage.person(context, 'leaving')
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<void>()
    await page.route('**/console/session/logout', async (route) => {
      asked.resolve()
      await answered.promise
      await route.continue()
    })
    await page.getByRole('button', { name: 'Log out' }).click()
    await asked.promise
    expect(await page.getByRole('heading', { name: 'Workflows', level: 1 }).isVisible()).toBe(true)
    expect(await page.getByRole('button', { name: 'Log out' }).isDisabled()).toBe(true)
    answered.resolve()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    // No cookie has survived it.
    await page.reload()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()

    await page.unroute('**/console/session/logout')
    await page.route('**/console/session/logout', (route) => route.abort('connectionfailed'))
    await page.getByLabel('Username or email').fill('leaving')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByText('You are still logged in').waitFor()
    expect(await page.getByRole('heading', { name: 'Workflows', level: 1 }).isVisible()).toBe(true)
    // The browser's own words about the connection that the test has cut.
    faults.length = 0
  })

  test('no script of the page can read a token', async (context) => {
    const { page } = await stage.person(context, 'tokens')
    const readable = await page.evaluate(
      'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])',
    )
    expect(readable).toBe('["",{},{}]')
    const cookies = await page.context().cookies(`${page.url().split('/console')[0]}/console/session/refresh`)
    expect(cookies).toMatchObject([
      { name: 'millrace_session', httpOnly: true, sameSite: 'Strict', path: '/console/session' },
    ])
  })

  test('two tabs refresh at once and both stay signed in', async (context) => {
    const { page, context: profile } = await stage.person(context, 'tabs')
    const other = await profile.newPage()
    await other.goto('/console/workflows')
    await other.getByText('No workflows yet').waitFor()
    await Promise.all([page.reload(), other.reload()])
    await page.getByText('No workflows yet').waitFor()
    await other.getByText('No workflows yet').waitFor()
    await other.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await expect.poll(() => page.context().cookies(), { timeout: 10_000 }).toEqual([])
  })

  test('a page that is closed while it takes the session up leaves the next cookie behind', async (context) => {
    const { page, context: profile } = await stage.person(context, 'hasty')
    const cookie = async () => (await profile.cookies(`${stage.service().urls[0]}/console/session/refresh`))[0]?.value
    const before = await cookie()
    const hasty = await profile.newPage()
    const asked = hasty.waitForRequest('**/console/session/refresh')
    await hasty.goto('/console', { waitUntil: 'commit' })
    await asked
    await hasty.close()
    await expect.poll(cookie).not.toBe(before)
    await page.reload()
    await page.getByText('No workflows yet').waitFor()
  })

  test('a wrong password says so, with the request id', async (context) => {
    const { page, expectStatus } = await stage.visitor(context)
    expectStatus(401)
    await page.goto('/console')
    await page.getByLabel('Username or email').fill('nobody')
    const password = page.getByLabel('Password')
    // Nobody reads it over a shoulder, and a password manager fills it in or pastes it.
    expect(await password.getAttribute('type')).toBe('password')
    expect(await password.getAttribute('autocomplete')).toBe('current-password')
    await password.focus()
    await page.keyboard.insertText('wrong')
    expect(await password.inputValue()).toBe('wrong')
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    const problem = page.getByRole('alert')
    await problem.getByText('The username or the password is wrong.').waitFor()
    expect(await problem.innerText()).toMatch(/Request [\w-]{36}/)
    expect(await axeFindings(page)).toEqual([])
  })

  test('axe finds what is planted, so that an empty finding says something', async (context) => {
    const { page } = await stage.visitor(context)
    await page.goto('/console')
    await page.getByLabel('Password').waitFor()
    await page.evaluate(`document.querySelector('label').remove()`)
    expect(await axeFindings(page)).toEqual([expect.stringMatching(/^label #/)])
  })

  test('hostile names, descriptions and documents are text wherever they stand', async (context) => {
    const { page, username } = await stage.person(context, 'hostile')
    const call = await callAs(stage.service(), username)
    const text = JSON.stringify(hostile)
    const definition = `{"nodes":[{"id":${text},"type":${text},"data":{"label":${text}}}],"edges":[]}`
    const id = await createWorkflow(call, hostile, definition)
    await call(
      'PATCH',
      `/v1/workflows/${id}`,
      `{"description":${text},"definition":{"tree":${text}},"changeNotes":${text}}`,
      { 'If-Match': '"1"' },
    )
    await page.evaluate('globalThis.alert = () => { globalThis.wasRun = true }')
    await page.getByRole('link', { name: 'Executions' }).click()
    await page.getByRole('link', { name: 'Workflows', exact: true }).click()
    await page.getByText(hostile).first().waitFor()
    await page.locator('a.row').click()
    await page.getByRole('heading', { name: hostile }).waitFor()
    await page.getByRole('region', { name: 'Definition, as a tree' }).getByText('tree').waitFor()
    await page.getByRole('link', { name: 'Versions' }).click()
    await page.getByText(hostile).last().waitFor()
    await page.getByRole('button', { name: 'Compare v1 with v2' }).click()
    await page.getByRole('button', { name: 'Graph' }).click()
    await page.getByRole('region', { name: 'Graph of what changed from v1 to v2' }).getByText(hostile).first().waitFor()
    expect(await page.evaluate('globalThis.wasRun')).toBeUndefined()
    expect(await page.locator('img, script:not([src])').count()).toBe(0)
  })

  test('a list of hundreds is searched, sorted and scrolled; only what is seen is in the page', async (context) => {
    const { page, username } = await stage.person(context, 'many')
    const call = await callAs(stage.service(), username)
    for (const batch of [0, 1, 2]) {
      const items = Array.from({ length: 100 }, (_none, index) => ({
        name: `Workflow ${batch * 100 + index}`,
        definition: {},
      }))
      expect((await call('POST', '/v1/workflows/batch', JSON.stringify({ items }))).status).toBe(201)
    }
    await page.reload()
    await page.locator('a.row').first().waitFor()
    for (let turn = 0; turn < 40 && (await page.getByText('Workflow 0', { exact: true }).count()) === 0; turn += 1) {
      await page.mouse.wheel(0, 1500)
      await page.waitForTimeout(50)
    }
    await page.getByText('Workflow 0', { exact: true }).waitFor()
    expect(await page.locator('a.row').count()).toBeLessThan(60)
    await page.keyboard.press('/')
    await page.keyboard.type('workflow 29')
    await page.getByText('Workflow 299').waitFor()
    await expect.poll(() => page.locator('a.row').count()).toBe(11)
    expect(page.url()).toMatch(/\?q=workflow\+29$/)
    await page.getByLabel('Search by name').fill('nothing has this')
    await page.getByText('No workflow’s name holds “nothing has this”').waitFor()
    expect(await axeFindings(page)).toEqual([])
  })

  test('a workflow is shared, published, transferred and deleted, each after its confirmation', async (context) => {
    const { page, username } = await stage.person(context, 'owner')
    const friend = await stage.person(context, 'friend')
    const call = await callAs(stage.service(), username)
    const id = await createWorkflow(call, 'Given', '{"nodes":[],"edges":[]}')
    await page.goto(`/console/workflows/${id}/sharing`)
    await page.getByLabel('Username').fill('friend')
    await page.getByLabel('Permission').selectOption({ label: 'may edit' })
    await page.getByRole('button', { name: 'Share' }).click()
    await page.getByRole('listitem').getByText('friend').waitFor()
    expect(await axeFindings(page)).toEqual([])

    await friend.page.reload()
    await friend.page.getByText('may edit').waitFor()

    await page.getByRole('button', { name: 'Take back' }).click()
    await page.getByRole('dialog').getByText('no longer sees this workflow').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
    await page.getByText('With nobody yet.').waitFor()

    await page.getByRole('button', { name: 'Publish' }).click()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click()
    await page.getByRole('button', { name: 'Make private' }).waitFor()

    await page.getByRole('button', { name: 'Delete' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete Given?' })
    await dialog.getByText('all of its shares, schedules and ended executions are deleted').waitFor()
    expect(await dialog.getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Transfer' }).click()
    await page.getByRole('dialog').getByLabel('Username').fill('friend')
    await page.getByRole('dialog').getByRole('button', { name: 'Transfer' }).click()
    await page.getByText('Only the owner of a workflow can see').waitFor()

    await friend.page.goto(`/console/workflows/${id}/sharing`)
    await friend.page.getByRole('button', { name: 'Delete' }).click()
    await friend.page.getByLabel('Type “Given” to go on').fill('Given')
    await friend.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await friend.page.getByText('Given deleted').waitFor()
    expect((await call('GET', `/v1/workflows/${id}`)).status).toBe(404)
  })

  test('a secret is sealed, kept, revealed when asked twice, and never in the page before', async (context) => {
    const { page, username } = await stage.person(context, 'keeper')
    const secret = 'sk-very-secret-0123456789'
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('button', { name: 'Add a secret' }).click()
    await page.getByLabel('Where it stands').fill('/openai/apiKey')
    await page.getByLabel('Secret', { exact: true }).fill(secret)
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Seal' }).click()
    await page.getByText('/openai/apiKey is sealed').waitFor()
    await page.getByText('…6789').first().waitFor()
    expect(await page.content()).not.toContain(secret)
    expect(await axeFindings(page)).toEqual([])

    const editor = page.getByRole('textbox', { name: 'Document' })
    await editor.click()
    await page.keyboard.press('ControlOrMeta+End')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.insertText(',"limit":10.50')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Settings saved').waitFor()

    await page.getByRole('button', { name: 'Reveal' }).click()
    expect(await page.content()).not.toContain(secret)
    await page.getByRole('dialog').getByRole('button', { name: 'Reveal' }).click()
    await page.getByRole('dialog').getByText(secret).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.content()).not.toContain(secret)

    const call = await callAs(stage.service(), username)
    expect((await call('GET', '/v1/settings')).text).toMatch(/"limit":\s?10\.50/)
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('None yet. A secret is stored encrypted').waitFor()
  })

  test('an API key is shown once; sessions end; a new password signs out', async (context) => {
    const { page, username, expectStatus } = await stage.person(context, 'keys')
    await page.getByRole('link', { name: username }).click()
    await page.getByRole('button', { name: 'New API key' }).click()
    await page.getByLabel('Name').fill('worker')
    await page.getByLabel('claim and work executions').check()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Make the key' }).click()
    const shown = page.getByRole('dialog', { name: 'Your new API key' })
    const key = (await shown.locator('code').innerText()).trim()
    expect(key).toMatch(/^mr_/)
    await shown.getByRole('button', { name: 'Copy the key' }).click()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key)
    await shown.getByRole('button', { name: 'Close' }).click()
    await page.getByText('read, worker').waitFor()
    expect(await page.content()).not.toContain(key)
    const asKey = await stage.service().fetch('/v1/auth/me', { headers: { Authorization: `Bearer ${key}` } })
    expect(asKey.status).toBe(200)

    await callAs(stage.service(), username)
    await page.reload()
    await page.getByRole('button', { name: 'End', exact: true }).first().click()
    await expect.poll(() => page.getByRole('button', { name: 'End', exact: true }).count()).toBe(0)
    expect(await axeFindings(page)).toEqual([])

    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('None yet. Workers and scripts').waitFor()

    expectStatus(401)
    await page.getByLabel('Current password').fill(password)
    await page.getByLabel('New password').fill('another horse battery')
    await page.getByRole('button', { name: 'Change the password' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await page.getByLabel('Username or email').fill(username)
    await page.getByLabel('Password').fill('another horse battery')
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.getByRole('heading', { name: 'Account' }).waitFor()
  })

  test('an administrator sees the checklist, disables a user, reads the audit log and the figures', async (context) => {
    const { page } = await administrator(context, 'chief')
    await stage.person(context, 'guest')
    await page.getByRole('link', { name: 'Status' }).click()
    await page.getByText('Production checklist').waitFor()
    await page.getByText('all migrations applied').waitFor()
    expect(await axeFindings(page)).toEqual([])

    await page.getByRole('link', { name: 'Users' }).click()
    await page.getByLabel('Search by username or email').fill('gues')
    await page.getByRole('button', { name: 'Disable guest' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('button', { name: 'Enable guest' }).waitFor()
    expect(await axeFindings(page)).toEqual([])

    await page.getByRole('link', { name: 'Backups' }).click()
    await page.getByText('No backups yet').waitFor()
    expect(await axeFindings(page)).toEqual([])

    await page.getByRole('link', { name: 'Metrics' }).click()
    await page.getByLabel('Metrics token').fill(stage.service().vars['METRICS_TOKEN'] ?? '')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('Round trips to the database').waitFor()
    await expect.poll(() => page.locator('.plot canvas').count()).toBe(9)
    expect(await axeFindings(page)).toEqual([])

    await page.getByRole('link', { name: 'Audit' }).click()
    await page.getByRole('heading', { name: 'Audit' }).waitFor()
    expect(await axeFindings(page)).toEqual([])
  })

  test('by keyboard alone one gets from the list into a workflow and out of its editor', async (context) => {
    const { page, username } = await stage.person(context, 'keyboard')
    const id = await createWorkflow(await callAs(stage.service(), username), 'By keys', '{"a":1}')
    await page.reload()
    await page.getByRole('link', { name: /By keys/ }).waitFor()
    await page.keyboard.press('Tab')
    await expect.poll(() => page.evaluate('document.activeElement?.textContent')).toBe('Skip to content')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: /By keys/ }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Definition, as text' }).focus()
    await page.keyboard.press('Tab')
    await expect.poll(() => page.evaluate('document.activeElement?.placeholder')).toBe('A note for this version')
    await page.getByRole('heading', { name: 'By keys' }).focus()
    await page.keyboard.press('g')
    await page.keyboard.press('e')
    await page.getByRole('heading', { name: 'Executions', exact: true }).waitFor()
    expect(page.url()).not.toContain(id)
  })
})
