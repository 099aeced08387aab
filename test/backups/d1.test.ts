import { openArchive } from '@millrace/db/archive/read'
import { restoreArchive } from '@millrace/db/archive/restore'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { verifyArchive } from '@millrace/db/archive/verify'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { itemsOf } from '../contract/answers.ts'
import { bodyOf, call, joinAdministrator, keyOf, type Member } from '../contract/members.ts'
import { targetOf } from '../database.ts'
import { describeOneDialect } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { startOnD1, takeDailyBackup, type Service } from '../service.ts'
import { encryptedBackups } from './encrypted.ts'

/* The built Worker whose database is D1, with R2: its schedule takes a backup, which is restored into another database. */

const users = 3000
/** As large as a body may be, and in JSON twice that: more than a value of D1 holds. */
const largeDefinition = `{"text":"${String.raw`\"`.repeat(949_900)}"}`

let service: Service
let admin: Member
let identity: string
beforeAll(async () => {
  const encrypted = await encryptedBackups()
  identity = encrypted.identity
  service = await startOnD1('sqlite', { vars: { ...encrypted.vars, MAX_BODY_BYTES: '1900000' } })
  admin = await joinAdministrator(service)
  await fill()
})
afterAll(() => service.stop())

/** More rows than a page has, and documents that no page holds together. */
async function fill(): Promise<void> {
  const { accessToken: token } = admin
  for (const name of ['first', 'second']) {
    const body = `{"name":"${name}","definition":${largeDefinition}}`
    bodyOf(await call(service, 'POST', '/v1/workflows', { token, body }), 201)
  }
  await service.database.query(
    `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${users})
     insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at)
     select 'many' || n, 'many' || n, 'many' || n || '@x', 'h', 1700000000000 + n, 'many' || n, 'many' || n || '@x', 'user', 0, 0 from numbers`,
  )
}

async function fetchLatest(): Promise<Uint8Array<ArrayBuffer>> {
  const headers = { Authorization: `Bearer ${await keyOf(service, admin, ['admin'])}` }
  const response = await service.fetch('/v1/admin/backups/latest', { headers })
  expect(response.status).toBe(200)
  return new Uint8Array(await response.arrayBuffer())
}

describeOneDialect((dialect) => {
  test('the schedule backs D1 up, encrypted and read back; what is fetched is restored whole into another database', async () => {
    await takeDailyBackup(service)
    const listed = await call(service, 'GET', '/v1/admin/backups', { token: admin.accessToken })
    expect(itemsOf(listed.json)).toMatchObject([
      { result: 'ok', encrypted: true, verifiedAt: expect.any(String), drilledAt: expect.any(String) },
    ])
    expect(service.logs().filter((line) => line.includes('_failed'))).toEqual([])

    const bytes = await fetchLatest()
    const identities = [identity]
    const verdict = await verifyArchive(new Blob([bytes]).stream(), { identities })
    if (!verdict.isWhole) throw new Error(verdict.problems.map(({ what }) => what).join('; '))
    const { tables, contentSha256 } = verdict.archive
    expect(tables).toMatchObject({ users: { rows: users + 1 }, workflows: { rows: 2 }, workflow_versions: { rows: 2 } })

    const target = await migratedDatabase(dialect)
    const database = await openNativeDatabase({ target: targetOf(target.url) })
    onTestFinished(async () => {
      await database.close()
      await target.drop()
    })
    const reading = await openArchive(new Blob([bytes]).stream(), { identities, mostProblems: 1 })
    const options = { digest: contentSha256, verifiedSha256: contentSha256, isResumed: false }
    expect(await restoreArchive(database, reading, options)).toEqual(tables)
    const rows = await target.query(
      `select cast(definition as ${dialect === 'mysql' ? 'char' : 'text'}) as definition from workflows`,
    )
    expect(rows.map((row) => String(row['definition']) === largeDefinition)).toEqual([true, true])
  })
})
