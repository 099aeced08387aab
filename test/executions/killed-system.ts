import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import { openDatabase } from '@millrace/drivers/open'
import { targetOf } from '../database.ts'
import type { DialectName, TestDatabase } from '../dialects.ts'
import { openDoor } from '../servers/door.ts'
import { forkGateway } from '../servers/forked-gateway.ts'
import { startOwnMariadb, startOwnPostgres, type OwnServer } from '../servers/own.ts'
import { startService, type Service } from '../service.ts'
import { migratedDatabase } from '../templates.ts'
import { workspaceRoot } from '../workspace.ts'

/** A service whose gateway, and whose database's server, are killed by SIGKILL and started again. */
export interface KilledSystem {
  readonly service: Service
  readonly database: TestDatabase
  killGateway(): Promise<void>
  /** Undefined where the server is others' too, and for SQLite, whose server is the gateway. */
  readonly killDatabase: (() => Promise<void>) | undefined
  stop(): Promise<void>
}

/** @param isOwn whether the database's server is to be one of its own */
export async function startKilledSystem(dialect: DialectName, isOwn: boolean): Promise<KilledSystem> {
  const server = isOwn ? await ownServer(dialect) : undefined
  const database = server === undefined ? await migratedDatabase(dialect) : await databaseOn(dialect, server)
  const door = await openDoor()
  let gateway = await forkGateway(database.url)
  door.leadTo(gateway.port)
  if (server !== undefined) {
    const opened = await openDatabase({ target: targetOf(database.url), gatewayUrl: gateway.url })
    await migrate(opened, readMigrations(workspaceRoot, dialect))
  }
  const service = await startService(database, { migrate: false, vars: { DATABASE_GATEWAY_URL: door.url } })
  return {
    service,
    database,
    async killGateway() {
      door.leadTo(undefined)
      await gateway.kill()
      gateway = await forkGateway(database.url)
      door.leadTo(gateway.port)
    },
    killDatabase:
      server &&
      (async () => {
        await server.kill()
        await server.start()
      }),
    async stop() {
      await service.stop()
      await gateway.kill()
      door.close()
      await (server === undefined ? database.drop() : server.remove())
    },
  }
}

/** A commit that was answered outlives the server's process. */
async function ownServer(dialect: DialectName): Promise<OwnServer | undefined> {
  switch (dialect) {
    case 'sqlite':
      return undefined
    case 'postgres':
      return startOwnPostgres({ synchronous_commit: 'on' })
    case 'mysql':
      return startOwnMariadb(['--innodb-flush-log-at-trx-commit=2'])
  }
}

async function databaseOn(dialect: DialectName, server: OwnServer): Promise<TestDatabase> {
  const name = await server.createDatabase()
  return {
    dialect,
    url: server.url(name),
    query: (statement) => server.administer(statement, name),
    drop: () => Promise.resolve(),
  }
}
