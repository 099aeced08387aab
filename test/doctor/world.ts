import { openDatabase } from '@millrace/drivers/open'
import type { DocumentText } from '@millrace/db/document'
import { recordBackup } from '@millrace/db/repositories/backups/backups'
import { buildStatement } from '@millrace/db/sql/building'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { freshDatabase, type DialectName, type TestDatabase } from '../dialects.ts'
import { soundSettings } from './kit.ts'

/** A database that passes the checklist, and the settings that do. */
export interface World {
  readonly dialect: DialectName
  readonly reached: ReachedDatabase
  readonly settings: Readonly<Record<string, string>>
  query(statement: string): Promise<void>
  /** Another empty database on the same server, dropped with the world. */
  another(): Promise<TestDatabase>
  stop(): Promise<void>
}

export async function makeWorld(dialect: DialectName): Promise<World> {
  const reached = await reachDatabase(dialect)
  const others: TestDatabase[] = []
  await recordGoodBackup(reached)
  return {
    dialect,
    reached,
    settings: { ...soundSettings(), DATABASE_URL: reached.raw.url },
    async query(statement) {
      await reached.raw.query(statement)
    },
    async another() {
      const other = await freshDatabase(dialect)
      others.push(other)
      return other
    },
    async stop() {
      for (const other of others) await other.drop()
      await reached.stop()
    },
  }
}

const goodBackup = { name: 'good', bytes: 1, rowCount: 1, sha256: 'a'.repeat(64), consistency: 'snapshot' }

/** Of this hour, encrypted, and restored for trial. */
export async function recordGoodBackup({ database }: Pick<ReachedDatabase, 'database'>): Promise<void> {
  const at = new Date(Date.now() - 60_000)
  await recordBackup(
    database.store(),
    {
      ...goodBackup,
      isEncrypted: true,
      result: 'ok',
      createdAt: at,
      verifiedAt: at,
      drilledAt: at,
    },
    crypto.randomUUID(),
  )
}

/** A column of the one good backup set otherwise: `moment` as the dialect writes it. */
export function momentOf(dialect: DialectName, at: Date): string {
  if (dialect === 'sqlite') return String(at.getTime())
  const text = at.toISOString()
  return dialect === 'postgres' ? `'${text}'` : `'${text.replace('T', ' ').replace('Z', '')}'`
}

/** A user, a workflow and an execution whose lease ran out two hours ago, and keys that nobody swept. */
export async function addStaleRows({ target, gateway }: ReachedDatabase): Promise<void> {
  const database = await openDatabase({ target, gatewayUrl: gateway.url })
  const { builder, tables } = database.dialect
  const at = new Date(Date.now() - 2 * 3_600_000)
  const twoDaysAgo = new Date(Date.now() - 48 * 3_600_000)
  const transport = database.transport()
  const empty = '{}' as DocumentText
  const times = { createdAt: at, updatedAt: at }
  for (const insert of [
    builder.insert(tables.users).values({
      ...times,
      id: 'u',
      username: 'u',
      email: 'u@example.com',
      usernameKey: 'u',
      emailKey: 'u@example.com',
      passwordHash: 'none',
      role: 'user',
      tokensValidFrom: at,
    }),
    builder.insert(tables.workflows).values({
      ...times,
      id: 'w',
      name: 'w',
      nameKey: 'w',
      definition: empty,
      ownerId: 'u',
      isPublic: false,
      versionNumber: 1,
      revision: 1,
    }),
    builder.insert(tables.executions).values({
      ...times,
      id: 'e',
      workflowId: 'w',
      userId: 'u',
      status: 'running',
      versionNumber: 1,
      attempts: 1,
      maxAttempts: 3,
      fence: 1,
      leaseOwner: 'gone',
      leaseUntil: at,
    }),
    builder.insert(tables.idempotencyKeys).values({
      userId: 'u',
      idempotencyKey: 'k',
      fingerprint: 'f',
      status: 201,
      headers: '{}',
      body: '{}',
      createdAt: twoDaysAgo,
    }),
  ]) {
    await transport.run(buildStatement(insert))
  }
}

export const staleTables = ['idempotency_keys', 'executions', 'workflows', 'users'] as const
