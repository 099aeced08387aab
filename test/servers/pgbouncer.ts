import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerAddress } from './address.ts'
import type { ToolEnvironment } from './debian-tools.ts'
import { findFreePort, startProcess } from './process.ts'

export interface Pooler {
  readonly port: number
  stop(): Promise<void>
}

/**
 * PgBouncer before a PostgreSQL, as Hyperdrive pools: it lends a connection for a transaction, resets it after each, and
 * knows no prepared statement by name. Any password will do.
 * @param poolSize how many connections it lends at once: the others wait
 * @param isReset whether a connection is as new for each transaction; PgBouncer's own default is that it is not
 */
export async function startTransactionPooler(
  server: ServerAddress,
  {
    directory,
    environment,
    poolSize,
    isReset = true,
  }: { directory: string; environment: ToolEnvironment; poolSize: number; isReset?: boolean },
): Promise<Pooler> {
  const folder = mkdtempSync(join(directory, 'pgbouncer-'))
  chmodSync(folder, 0o755)
  const port = await findFreePort()
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
  const config = join(folder, 'pgbouncer.ini')
  const lines = [
    '[databases]',
    `* = host=${server.host} port=${server.port} user=${quoted(server.user)} password=${quoted(server.password)}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    `default_pool_size = ${poolSize}`,
    'server_reset_query = DISCARD ALL',
    `server_reset_query_always = ${isReset ? 1 : 0}`,
    // As Hyperdrive's end of a connection, which is not the server's.
    'ignore_startup_parameters = extra_float_digits',
    '',
  ]
  writeFileSync(config, lines.join('\n'))
  const running = await startProcess({
    command: 'pgbouncer',
    args: [config],
    directory: folder,
    readyLine: /process up/,
    stopSignal: 'SIGINT',
    unwanted: new AbortController().signal,
    environment,
    // It refuses to run as root.
    userId: process.getuid?.() === 0 ? 65_534 : undefined,
  })
  return {
    port,
    async stop() {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
