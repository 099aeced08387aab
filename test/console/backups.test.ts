import { readFileSync } from 'node:fs'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { verifyArchive } from '@millrace/db/archive/verify'
import { describe, expect, test } from 'vitest'
import { axeFindings } from './axe.ts'
import { useStage } from './kit.ts'

const identity = await generateIdentity()
const recipient = await identityToRecipient(identity)

describe('backups into a bucket, in the console', () => {
  const stage = useStage('sqlite', {
    vars: { BACKUP_RECIPIENTS: recipient, BACKUP_IDENTITY: identity },
  })

  test('one is started, watched until it is verified and drilled, and its download is a whole archive', async (context) => {
    const { page } = await stage.person(context, 'keeper')
    await stage.service().database.query("update users set role = 'admin' where username = 'keeper'")
    await page.reload()
    await page.getByRole('link', { name: 'Backups' }).click()
    await page.getByText('No backups yet').waitFor()
    await page.getByRole('button', { name: 'Back up now' }).click()
    const row = page.locator('.backup')
    await row.getByText('ok', { exact: true }).waitFor({ timeout: 60_000 })
    await row.getByText('verified', { exact: true }).waitFor()
    await row.getByText('drilled', { exact: true }).waitFor({ timeout: 60_000 })
    expect(await row.innerText()).toMatch(/(?<!not )encrypted/)
    expect(await axeFindings(page)).toEqual([])

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      row.getByRole('button', { name: /^Download/ }).click(),
    ])
    const bytes = readFileSync(await download.path())
    const verdict = await verifyArchive(new Blob([bytes]).stream(), { identities: [identity] })
    expect(verdict).toMatchObject({ isWhole: true, archive: { isEncrypted: true, tables: { users: { rows: 1 } } } })
  })
})
