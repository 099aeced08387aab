import { beforeAll, describe, expect, test } from 'vitest'
import { readMigrations } from '@millrace/cli/migrations'
import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { checkDocument, type DocumentText } from '@millrace/db/document'
import { findDrift } from '@millrace/db/migrate/drift'
import { migrate, migrationStatus } from '@millrace/db/migrate/migrate'
import { statementsOf } from '@millrace/db/sql/migration'
import { listVersions } from '@millrace/db/repositories/workflows/versions'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import { patchWorkflow } from '@millrace/db/repositories/workflows/patch'
import { deleteWorkflow } from '@millrace/db/repositories/workflows/remove'
import { getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import { registerUser } from '@millrace/db/repositories/accounts/users'
import type { Store } from '@millrace/db/store/store'
import { startGateway, type Gateway } from '@millrace/gateway'
import { targetOf } from '../database.ts'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { workspaceRoot } from '../workspace.ts'

const now = new Date('2026-01-31T09:30:00.000Z')
const ada: UserCaller = { kind: 'user', userId: 'ada', issuedAt: now, mayAdminister: true }

function documentOf(text: string): DocumentText {
  const checked = checkDocument(text)
  if (!checked.ok) throw new Error(`no document: ${text}`)
  return checked.text
}

/**
 * What differs between MySQL services: whether rows affected counts the rows that matched or those that changed, and
 * whether foreign keys are taken (PlanetScale without the setting refuses them).
 */
const modes = [
  { foundRows: false, strict: false },
  { foundRows: true, strict: false },
  { foundRows: false, strict: true },
  { foundRows: true, strict: true },
]

describe.each(modes)('mysql, rows that matched: $foundRows, foreign keys refused: $strict', ({ foundRows, strict }) => {
  let raw: TestDatabase
  let gateway: Gateway
  let store: Store
  const migrations = readMigrations(workspaceRoot, 'mysql')

  beforeAll(async () => {
    raw = await freshDatabase('mysql')
    const target = targetOf(raw.url)
    gateway = await startGateway({ target, foundRows, strict })
    const database = await openDatabase({ target, gatewayUrl: gateway.url })
    await migrate(database, migrations)
    store = database.store()
    const user = { id: 'ada', username: 'ada', usernameKey: 'ada', email: 'a@x', emailKey: 'a@x' }
    await registerUser(store, { ...user, passwordHash: 'h', role: 'user', createdAt: now })
    return async () => {
      await gateway.close()
      await raw.drop()
    }
  })

  test('foreign keys that are refused are left out, recorded, and nothing else is', async () => {
    const database = await openDatabase({ target: targetOf(raw.url), gatewayUrl: gateway.url })
    expect(await migrationStatus(database, migrations)).toMatchObject({ pending: [], changed: [] })
    const records = await raw.query('select left_out from migrations order by name')
    const leftOut = records.flatMap(({ left_out: recorded }) =>
      typeof recorded === 'string' ? recorded.split('\n') : [],
    )
    const foreignKeys = migrations.flatMap(statementsOf).filter((text) => text.includes(' FOREIGN KEY '))
    const drifts = await findDrift(database.transport())
    expect(drifts.filter(({ kind }) => kind !== 'foreign_key')).toEqual([])
    expect(leftOut).toEqual(strict ? foreignKeys : [])
    expect(drifts).toHaveLength(strict ? foreignKeys.length : 0)
  })

  test('writes know whether they happened', async () => {
    const workflow = { id: 'w', versionId: 'v1', name: 'n', description: null, isPublic: false, createdAt: now }
    expect(await createWorkflows(store, ada, [{ ...workflow, definition: documentOf('{"n":1}') }])).toMatchObject({
      ok: true,
    })
    const patch = { versionId: 'v2', operation: 'op1', at: now }
    const changed = await patchWorkflow(store, ada, 'w', {
      ...patch,
      change: { definition: documentOf('{"n":2}') },
      ifRevision: [1],
    })
    expect(changed).toMatchObject({ ok: true, value: { revision: 2, versionNumber: 2 } })
    const same = { ...patch, versionId: 'v3', operation: 'op2', change: { definition: documentOf('{"n":2}') } }
    expect(await patchWorkflow(store, ada, 'w', { ...same, ifRevision: [2] })).toMatchObject({ value: { revision: 2 } })
    expect(await patchWorkflow(store, ada, 'w', { ...same, ifRevision: [1] })).toMatchObject({
      refusal: 'precondition_failed',
    })
    expect(await listVersions(store, ada, 'w', { limit: 9 })).toMatchObject({
      value: { rows: [{ versionNumber: 2 }, { versionNumber: 1 }] },
    })
    const bea = { ...ada, userId: 'nobody' }
    expect(await createWorkflows(store, bea, [{ ...workflow, id: 'x', definition: documentOf('{}') }])).toMatchObject({
      refusal: 'unauthenticated',
    })
    expect(await deleteWorkflow(store, ada, 'w', [1], { operation: 'd1', at: now })).toMatchObject({
      refusal: 'precondition_failed',
    })
    expect(await deleteWorkflow(store, ada, 'w', [2], { operation: 'd2', at: now })).toMatchObject({ ok: true })
    expect(await getWorkflow(store, ada, 'w')).toMatchObject({ refusal: 'not_found' })
    expect(await raw.query('select count(*) as n from workflow_versions')).toMatchObject([{ n: 0 }])
  })

  test('twenty patches at once with one revision: one is done', async () => {
    const workflow = { id: 'raced', versionId: 'r1', name: 'n', description: null, isPublic: false, createdAt: now }
    await createWorkflows(store, ada, [{ ...workflow, definition: documentOf('{}') }])
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_none, racer) =>
        patchWorkflow(store, ada, 'raced', {
          change: { definition: documentOf(`{"racer":${racer}}`) },
          ifRevision: [1],
          versionId: `racer${racer}`,
          operation: `racing${racer}`,
          at: now,
        }),
      ),
    )
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
    expect(await raw.query("select count(*) as n from workflow_versions where workflow_id = 'raced'")).toMatchObject([
      { n: 2 },
    ])
  })
})
