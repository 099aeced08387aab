import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import { targetOf } from '../database.ts'
import type { DialectName } from '../dialects.ts'
import { startOwnMariadb, startOwnPostgres, type OwnServer } from '../servers/own.ts'
import { migratedDatabase } from '../templates.ts'
import { workspaceRoot } from '../workspace.ts'
import type { Trouble } from './run.ts'

/** A migrated database, and what may be done to it while it is used. */
export interface TroubledDatabase {
  readonly url: string
  readonly troubles: readonly Trouble[]
  stop(): Promise<void>
}

/** On the run's own server, which others use too: its connections are ended. SQLite's die with the gateway. */
export async function sharedDatabase(dialect: DialectName): Promise<TroubledDatabase> {
  const database = await migratedDatabase(dialect)
  const list = async () => (dialect === 'mysql' ? (await database.query(listMysql)).map(({ id }) => Number(id)) : [])
  // The suite's own, by which it drops the database.
  const spared = new Set(await list())
  const run = async () => {
    if (dialect === 'postgres') await database.query(endPostgres)
    for (const id of (await list()).filter((each) => !spared.has(each))) {
      // One that has ended meanwhile can't be killed.
      await database.query(`kill ${id}`).catch(() => undefined)
    }
  }
  const troubles = dialect === 'sqlite' ? [] : [{ name: 'connections ended', every: 70, run }]
  return { url: database.url, troubles, stop: () => database.drop() }
}

const endPostgres = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'millrace'`
const listMysql = `select id from information_schema.processlist where db = database() and id <> connection_id()`

/** On a server of its own, which is killed and started again as well. */
export async function ownDatabase(dialect: DialectName): Promise<TroubledDatabase> {
  if (dialect === 'sqlite') return sharedDatabase(dialect)
  const server = await startServer(dialect)
  const name = await server.createDatabase()
  const url = server.url(name)
  await migrateTo(dialect, url)
  return {
    url,
    troubles: [{ name: 'database killed', every: 1000, run: () => killAndStart(server) }],
    stop: () => server.remove(),
  }
}

/** A commit that was answered outlives the server's process; that it outlives a loss of power is not asked. */
function startServer(dialect: DialectName): Promise<OwnServer> {
  return dialect === 'postgres'
    ? startOwnPostgres({ synchronous_commit: 'on' })
    : startOwnMariadb(['--innodb-flush-log-at-trx-commit=2'])
}

async function killAndStart(server: OwnServer): Promise<void> {
  await server.kill()
  await server.start()
}

async function migrateTo(dialect: DialectName, url: string): Promise<void> {
  const target = targetOf(url)
  const gateway = await startGateway({ target })
  try {
    await migrate(await openDatabase({ target, gatewayUrl: gateway.url }), readMigrations(workspaceRoot, dialect))
  } finally {
    await gateway.close()
  }
}
