import { copyFileSync, existsSync, mkdtempSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrations } from '@millrace/cli/migrations'
import { migrate, migrationStatus } from '@millrace/db/migrate/migrate'
import type { Database } from '@millrace/db/store/database'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import { expect, inject, test } from 'vitest'
import { targetOf } from '../target.ts'
import { workspaceRoot } from '../workspace.ts'

const migrations = readMigrations(workspaceRoot, 'sqlite')

interface Opened {
  readonly database: Database
  readonly close: () => Promise<void>
}

const ways: Readonly<Record<string, (url: string) => Promise<Opened>>> = {
  async 'a driver in this process'(url) {
    const target = targetOf(url)
    if (target.via !== 'file') throw new Error('it is no file')
    const database = await openNativeDatabase({ target })
    return { database, close: () => database.close() }
  },
  async 'the gateway'(url) {
    const target = targetOf(url)
    const gateway = await startGateway({ target })
    return { database: await openDatabase({ target, gatewayUrl: gateway.url }), close: () => gateway.close() }
  },
}

const newFile = () => join(mkdtempSync(join(inject('directory'), 'closed-')), 'workflows.db')

const walBytes = (file: string) => (existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0)

for (const [name, open] of Object.entries(ways)) {
  test(`a SQLite file that ${name} has closed has everything without its -wal file`, async () => {
    const file = newFile()
    const { database, close } = await open(`sqlite:///${file}`)
    await migrate(database, migrations)
    await close()
    expect(walBytes(file)).toBe(0)
    const copied = newFile()
    copyFileSync(file, copied)
    const reader = await open(`sqlite:///${copied}`)
    const { pending } = await migrationStatus(reader.database, migrations)
    await reader.close()
    expect(pending).toEqual([])
  })
}

test('a SQLite file is closed while another connection reads it, and stays whole', async () => {
  const file = newFile()
  const open = ways['a driver in this process']
  if (open === undefined) throw new Error('there is no such way')
  const writer = await open(`sqlite:///${file}`)
  const reader = await open(`sqlite:///${file}`)
  const snapshot = await reader.database.snapshot()
  await migrate(writer.database, migrations)
  await writer.close()
  await snapshot.close()
  expect((await migrationStatus(reader.database, migrations)).pending).toEqual([])
  await reader.close()
  expect(walBytes(file)).toBe(0)
})
