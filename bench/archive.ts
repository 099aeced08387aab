/**
 * `node bench/archive.ts [--rows 1000000] [--dialect sqlite,postgres,mysql] [--rounds 1] [--beside MAIN.JS]`: `millrace copy`
 * beside the database's own dump and load (`sqlite3 .dump`, `pg_dump | psql`, `mariadb-dump | mariadb`) on the same rows, in
 * turn in one run: seconds, CPU seconds of the commands and of the servers meanwhile, rows per second, peak memory. Ours
 * proves by digests what it wrote; theirs does not. The command is the bundle that is published (`pnpm package`), built first;
 * `--beside` adds the `main.js` of another one. The PostgreSQL server is Debian's, where there is one, for the sake of its
 * pg_dump. Loopback only.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { watchRows } from '@millrace/db/archive/checked-rows'
import { rowCount } from '@millrace/db/archive/digest'
import { loadRows } from '@millrace/db/archive/load'
import { migrate } from '@millrace/db/migrate/migrate'
import { openDatabase } from '@millrace/drivers/open'
import { parseDatabaseUrl, type Target } from '@millrace/db/url'
import { readMigrations } from '@millrace/cli/migrations'
import { startGateway } from '@millrace/gateway'
import { dialects, type DialectName } from '../test/dialects.ts'
import { findDebianPostgres } from '../test/servers/debian-postgres.ts'
import { startPostgres } from '../test/servers/postgres.ts'
import { findTools } from '../test/servers/debian-tools.ts'
import { buildCommand } from '../test/servers/command.ts'
import { startServers } from '../test/servers/start.ts'
import { workspaceRoot } from '../test/workspace.ts'
import { benchRows } from './archive-rows.ts'
import { createDatabase, type BenchDatabase } from './databases.ts'
import { childrenNamed, cpuMilliseconds as cpuOf, endedChildrenMilliseconds, familyOf } from './processes.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    dialect: { type: 'string', default: dialects.join(',') },
    rounds: { type: 'string', default: '1' },
    beside: { type: 'string' },
  },
})
const executions = Number(values.rows)
const wanted = dialects.filter((dialect) => values.dialect.split(',').includes(dialect))

const tools = findTools(['sqlite3', 'mariadb', 'mariadb-dump'])
if ('missing' in tools) throw new Error(tools.missing)
const toolEnvironment = tools.environment
const programs = findDebianPostgres()
if ('missing' in programs) throw new Error(programs.missing)
const { binaries, libraries } = programs

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-archive-'))
chmodSync(directory, 0o711)
const servers = await startServers(directory, randomUUID())
const ownPostgres = await startPostgres(join(directory, 'debian-postgres'), new AbortController().signal, programs)
const started = { ...servers.started, postgres: ownPostgres.address }
const command = await buildCommand()
const commands = values.beside === undefined ? [command.path] : [values.beside, command.path]
try {
  for (const dialect of wanted) await compare(dialect)
} finally {
  command.remove()
  await ownPostgres.stop()
  await servers.stop()
  rmSync(directory, { recursive: true, force: true })
}

interface Measured {
  readonly seconds: number
  /** Of all of the command's processes. */
  readonly cpuSeconds: number
  readonly serverCpuSeconds: number
  readonly peakMegabytes: number
  readonly exitCode: number | null
}

async function compare(dialect: DialectName): Promise<void> {
  const source = await createDatabase(dialect, started, directory)
  const rows = await fill(source)
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const path of commands) {
      const target = await createDatabase(dialect, started, directory)
      const name = path === command.path ? 'millrace copy' : 'millrace copy, beside'
      tell(dialect, name, rows, await run([process.execPath, path, 'copy', '--from', source.url, '--to', target.url]))
    }
    const other = await createDatabase(dialect, started, directory)
    const script = nativeScript(targetOf(source), targetOf(other))
    tell(dialect, script.name, rows, await run(['sh', '-ec', script.text], script.env))
  }
}

function targetOf({ url }: BenchDatabase): Target {
  const parsed = parseDatabaseUrl(url)
  if (!parsed.ok) throw new Error(parsed.error.why)
  return parsed.target
}

async function fill(database: BenchDatabase): Promise<number> {
  const target = targetOf(database)
  const gateway = await startGateway({ target })
  const opened = await openDatabase({ target, gatewayUrl: gateway.url })
  await migrate(opened, readMigrations(workspaceRoot, target.dialect))
  const watched = watchRows(benchRows(executions))
  const digests = await loadRows(opened, watched.pages, () => watched.finish(), { digest: 'bench', isResumed: false })
  await gateway.close()
  return rowCount(digests)
}

interface Script {
  readonly name: string
  readonly text: string
  readonly env: Readonly<Record<string, string>>
}

function nativeScript(from: Target, to: Target): Script {
  if (from.via === 'file' && to.via === 'file') {
    return { name: 'sqlite3 .dump', text: `sqlite3 '${from.path}' .dump | sqlite3 '${to.path}'`, env: toolEnvironment }
  }
  if (from.dialect === 'postgres' && to.dialect === 'postgres') {
    const server = `-h ${from.host} -p ${from.port} -U ${from.user}`
    const text = `pg_dump ${server} ${from.database} | psql -q -v ON_ERROR_STOP=1 ${server} ${to.database}`
    const found = libraries === '' ? {} : { LD_LIBRARY_PATH: libraries }
    const env = { PGPASSWORD: from.password, PATH: `${binaries}:${process.env['PATH'] ?? ''}`, ...found }
    return { name: 'pg_dump | psql', text, env }
  }
  if (from.dialect === 'mysql' && to.dialect === 'mysql') {
    const file = join(directory, 'client.cnf')
    const { user, password, host, port } = from
    writeFileSync(file, `[client]\nuser=${user}\npassword="${password}"\nhost=${host}\nport=${port}\n`, { mode: 0o600 })
    const option = `--defaults-extra-file='${file}'`
    const dump = `mariadb-dump ${option} --single-transaction --quick ${from.database}`
    return { name: 'mariadb-dump | mariadb', text: `${dump} | mariadb ${option} ${to.database}`, env: toolEnvironment }
  }
  throw new Error('source and target are of different kinds')
}

/** Runs a command to its end. Memory is the sum over its processes of the most that each had. */
async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Measured> {
  const [program = '', ...args] = command
  const startedAt = performance.now()
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
  const peaks = new Map<number, number>()
  const before = { ended: endedChildrenMilliseconds(), servers: serversMilliseconds() }
  const timer = setInterval(() => {
    for (const id of familyOf(child.pid ?? 0)) peaks.set(id, Math.max(peaks.get(id) ?? 0, peakOf(id)))
  }, 100)
  await once(child, 'exit')
  clearInterval(timer)
  return {
    seconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: (endedChildrenMilliseconds() - before.ended) / 1000,
    serverCpuSeconds: (serversMilliseconds() - before.servers) / 1000,
    peakMegabytes: [...peaks.values()].reduce((sum, peak) => sum + peak, 0),
    exitCode: child.exitCode,
  }
}

/** CPU time of the servers until now. */
function serversMilliseconds(): number {
  return [servers.processId, ...childrenNamed('postgres')].reduce((sum, id) => sum + cpuOf(id), 0)
}

/** The kernel's own high-water mark; 0 where there is none to read. */
function peakOf(processId: number): number {
  try {
    const status = readFileSync(`/proc/${processId}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

function tell(
  dialect: DialectName,
  name: string,
  rows: number,
  { seconds, cpuSeconds, serverCpuSeconds, peakMegabytes, exitCode }: Measured,
): void {
  const outcome = exitCode === 0 ? '' : `  FAILED with exit code ${exitCode}`
  const memory = `${peakMegabytes.toFixed(0)} MB peak`
  const rate = `${Math.round(rows / seconds).toLocaleString('en-US')} rows/s`
  const load = `load ${loadavg()[0]?.toFixed(1) ?? '?'}`
  process.stdout.write(
    `${dialect.padEnd(9)} ${name.padEnd(24)} ${seconds.toFixed(1).padStart(7)} s  ${cpuSeconds.toFixed(1).padStart(6)} + ${serverCpuSeconds.toFixed(1).padStart(5)} s CPU  ${rate.padStart(16)}  ${memory.padEnd(12)}  ${load}${outcome}\n`,
  )
}
