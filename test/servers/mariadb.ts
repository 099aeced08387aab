import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testPassword, type MissingServer, type ServerAddress, type TestServer } from './address.ts'
import { findMysqlServer, type MariadbProgram } from './mariadb-program.ts'
import type { OtherServerName } from './protocol.ts'
import { findFreePort, startProcess, type ServerProcess } from './process.ts'

/** A MariaDB that has its system tables and is not running yet. */
export interface MariadbCluster {
  readonly address: ServerAddress
  /** Of the server's administrator, whom no test of the product logs in as. */
  readonly administrator: ServerAddress
  readonly dataDirectory: string
  start(): Promise<ServerProcess>
}

/**
 * A private MariaDB, made unlike the developer's own: latin1 with a collation that ignores case is the default of each
 * new database, and the time zone is half an hour off. The test user owns databases named `millrace_…`, nothing else.
 */
export async function startMariadb(
  directory: string,
  unwanted: AbortSignal,
  name?: OtherServerName,
): Promise<TestServer | MissingServer> {
  const cluster = await createMariadbCluster(directory, unwanted, [], name)
  if ('missing' in cluster) return cluster
  const server = await cluster.start()
  return { address: cluster.address, stop: () => server.stop() }
}

/**
 * @param settings options of the server's command line, beside the tests'
 * @param name another server than TEST_MYSQL_SERVER names
 */
export async function createMariadbCluster(
  directory: string,
  unwanted: AbortSignal,
  settings: readonly string[] = [],
  name?: OtherServerName,
): Promise<MariadbCluster | MissingServer> {
  const program = findMysqlServer(name)
  if ('missing' in program) return program
  mkdirSync(directory)
  const options = serverOptions(program, directory)
  const environment = program.libraries === '' ? {} : { LD_LIBRARY_PATH: program.libraries }
  createSystemTables(program, options, directory, environment)
  const port = await findFreePort()
  const rootPassword = randomBytes(18).toString('base64url')
  const users = writeUsers(directory, rootPassword)
  const args = [
    ...program.args,
    ...options,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(directory, 'socket')}`,
    `--pid-file=${join(directory, 'pid')}`,
    '--skip-name-resolve',
    '--max-connections=300',
    '--character-set-server=latin1',
    '--collation-server=latin1_swedish_ci',
    '--default-time-zone=+05:30',
    `--init-file=${users}`,
    ...settings,
  ]
  return {
    address: { host: '127.0.0.1', port, user: 'millrace', password: testPassword, database: '' },
    administrator: { host: '127.0.0.1', port, user: 'administrator', password: rootPassword, database: '' },
    dataDirectory: join(directory, 'data'),
    start: () =>
      startProcess({
        command: program.command,
        args,
        directory,
        // MySQL says the same of its other protocol, with another port.
        readyLine: new RegExp(`ready for connections.*port: ${port}`, 's'),
        // Its data is thrown away: an orderly shutdown would only cost time.
        stopSignal: 'SIGKILL',
        unwanted,
        environment,
      }),
  }
}

function serverOptions(program: MariadbProgram, directory: string): readonly string[] {
  return [
    '--no-defaults',
    ...optionsByKind[program.kind],
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    `--datadir=${join(directory, 'data')}`,
    `--tmpdir=${directory}`,
    `--lc-messages-dir=${program.share}`,
    `--character-sets-dir=${join(program.share, 'charsets')}`,
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-buffer-pool-size=64M',
    '--innodb-doublewrite=0',
  ]
}

const optionsByKind: Readonly<Record<MariadbProgram['kind'], readonly string[]>> = {
  // As MariaDB 11.6 and later have it.
  mariadb: ['--innodb-log-file-size=16M', '--loose-innodb-snapshot-isolation=ON'],
  mysql: ['--innodb-redo-log-capacity=32M', '--mysqlx=OFF', '--disable-log-bin', '--secure-file-priv=NULL'],
}

/** On MariaDB what the script mariadb-install-db does, which Debian packs apart from the server. */
function createSystemTables(
  program: MariadbProgram,
  options: readonly string[],
  directory: string,
  environment: Readonly<Record<string, string>>,
): void {
  mkdirSync(join(directory, 'data'))
  const env = { ...process.env, ...environment }
  if (program.kind === 'mysql') {
    const made = spawnSync(program.command, [...program.args, ...options, '--initialize-insecure'], {
      encoding: 'utf8',
      env,
    })
    if (made.status !== 0) throw new Error(`MySQL made no system tables:\n${made.error ?? made.stderr}`)
    return
  }
  const scripts = ['system_tables', 'performance_tables', 'system_tables_data'].map((name) =>
    readFirst([join(program.share, `mariadb_${name}.sql`), join(program.share, `mysql_${name}.sql`)]),
  )
  const result = spawnSync(
    program.command,
    [...program.args, ...options, '--bootstrap', '--log-warnings=0', '--enforce-storage-engine='],
    {
      cwd: directory,
      encoding: 'utf8',
      env,
      input: [
        'create database if not exists mysql;',
        'use mysql;',
        'set @auth_root_socket=null;',
        'set @skip_auth_anonymous=1;',
        ...scripts,
        '',
      ].join('\n'),
    },
  )
  if (result.status !== 0) throw new Error(`MariaDB made no system tables:\n${result.error ?? result.stderr}`)
}

function readFirst(paths: readonly string[]): string {
  const found = paths.find((path) => existsSync(path))
  if (found === undefined) throw new Error(`MariaDB's scripts are not where they should be: ${paths.join(', ')}`)
  return readFileSync(found, 'utf8')
}

/** Statements that the server runs before it listens, one a line. */
function writeUsers(directory: string, rootPassword: string): string {
  const path = join(directory, 'users.sql')
  const statements = [
    `alter user root@localhost identified by '${rootPassword}';`,
    `create user if not exists administrator@'%' identified by '${rootPassword}';`,
    "grant all privileges on *.* to administrator@'%' with grant option;",
    `create user if not exists millrace@'%' identified by '${testPassword}';`,
    "grant all privileges on `millrace\\_%`.* to millrace@'%';",
    // Sees which transactions wait for locks, which the product's user may not.
    `create user if not exists observer@'%' identified by '${testPassword}';`,
    "grant process on *.* to observer@'%';",
  ]
  writeFileSync(path, `${statements.join('\n')}\n`, { mode: 0o600 })
  return path
}
