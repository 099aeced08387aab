import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import { startGateway } from '@millrace/gateway'
import { createClient } from '@libsql/client'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { reachDatabase, targetOf, type ReachedDatabase } from '../database.ts'
import { isCi } from '../dialects.ts'
import { findDebianPostgres } from '../servers/debian-postgres.ts'
import { startPostgres } from '../servers/postgres.ts'
import { workspaceRoot } from '../workspace.ts'
import { toolsOf } from '../servers/debian-tools.ts'
import { fill } from './archives.ts'

/** The scripts of examples/backups, run as cron would. */

const scripts = join(workspaceRoot, 'examples/backups')

const size = { users: 4, workflows: 8, executions: 30 }

/** Leaves older files, runs the script, and gives the file that it names. */
function run(script: string, source: string, directory: string, env: Record<string, string> = {}): string {
  for (const day of ['01', '02', '03'])
    writeFileSync(join(directory, `workflows-202001${day}T000000Z${suffixes[script] ?? ''}`), '')
  writeFileSync(join(directory, 'unrelated.txt'), '')
  const environment = { PATH: process.env['PATH'] ?? '', HOME: directory, ...env }
  const made = execFileSync(join(scripts, script), [source, directory, '2'], {
    env: environment,
    encoding: 'utf8',
  }).trim()
  const kept = readdirSync(directory).filter((name) => name.startsWith('workflows-'))
  expect(kept.toSorted()).toEqual([`workflows-20200103T000000Z${suffixes[script] ?? ''}`, made.split('/').at(-1)])
  expect(readdirSync(directory)).toContain('unrelated.txt')
  return made
}

const suffixes: Readonly<Record<string, string>> = { 'sqlite.sh': '.db', 'postgres.sh': '.dump', 'mysql.sh': '.sql.gz' }

describe('examples/backups', () => {
  let directory: string

  beforeAll(() => {
    directory = inject('directory')
  })

  const reached: ReachedDatabase[] = []
  afterAll(() => Promise.all(reached.map((database) => database.stop())))

  async function filled(dialect: 'sqlite' | 'postgres' | 'mysql'): Promise<ReachedDatabase> {
    const database = await reachDatabase(dialect)
    reached.push(database)
    await fill(database.database, size)
    return database
  }

  function emptied(name: string): string {
    const path = join(directory, `native-${name}`)
    rmSync(path, { recursive: true, force: true })
    execFileSync('mkdir', ['-p', path])
    return path
  }

  test(
    'sqlite.sh copies a file that is in use, and keeps as many as it is told',
    { timeout: 120_000 },
    async (context) => {
      const environment = toolsOf(context, 'sqlite3')
      const { target } = await filled('sqlite')
      if (target.via !== 'file') throw new Error('not a file')
      const made = run('sqlite.sh', target.path, emptied('sqlite'), environment)
      const copy = createClient({ url: `file:${made}` })
      const { rows } = await copy.execute('select count(*) from executions')
      expect(rows[0]?.[0]).toBe(size.executions)
      copy.close()
    },
  )

  test(
    'postgres.sh dumps what pg_restore lists, and keeps as many as it is told',
    { timeout: 60_000 },
    async ({ skip }) => {
      // Of the same Debian as its pg_dump, which takes no server newer than itself.
      const programs = findDebianPostgres()
      if ('missing' in programs) {
        if (!isCi()) return skip(programs.missing)
        throw new Error(programs.missing)
      }
      const server = await startPostgres(
        join(directory, 'native-postgres-server'),
        new AbortController().signal,
        programs,
      )
      const { host, port, user, password } = server.address
      const admin = new pg.Client({ ...server.address })
      await admin.connect()
      await admin.query('create database native')
      await admin.end()
      const url = `postgresql://${user}@${host}:${port}/native`
      const target = targetOf(url.replace('@', `:${encodeURIComponent(password)}@`))
      const gateway = await startGateway({ target })
      try {
        const opened = await openDatabase({ target, gatewayUrl: gateway.url })
        const migrations = readMigrations(workspaceRoot, 'postgres')
        await migrate(opened, migrations)
        await fill(opened, size)
        const { binaries, libraries } = programs
        const found = libraries === '' ? {} : { LD_LIBRARY_PATH: libraries }
        const env = { PATH: `${binaries}:${process.env['PATH'] ?? ''}`, PGPASSWORD: password, ...found }
        const made = run('postgres.sh', url, emptied('postgres'), env)
        const listed = execFileSync(join(binaries, 'pg_restore'), ['--list', made], {
          encoding: 'utf8',
          env: { ...process.env, ...found },
        })
        expect(listed).toContain('TABLE DATA public executions')
      } finally {
        await gateway.close()
        await server.stop()
      }
    },
  )

  test('mysql.sh dumps the rows, and keeps as many as it is told', { timeout: 120_000 }, async (context) => {
    const environment = toolsOf(context, 'mariadb-dump')
    const { target } = await filled('mysql')
    if (target.dialect !== 'mysql') throw new Error('not MySQL')
    const path = emptied('mysql')
    const { user, password, host, port, database } = target
    const defaults = join(path, 'client.cnf')
    writeFileSync(defaults, `[client]\nuser=${user}\npassword="${password}"\nhost=${host}\nport=${port}\n`, {
      mode: 0o600,
    })
    const made = run('mysql.sh', database, path, { ...environment, MYSQL_DEFAULTS: defaults })
    expect(execFileSync('gunzip', ['-c', made], { encoding: 'utf8' })).toContain('INSERT INTO `executions`')
  })

  test.each(Object.keys(suffixes))('%s that fails leaves nothing under a final name, and removes nothing', (script) => {
    const path = emptied(`fails-${script}`)
    writeFileSync(join(path, `workflows-20200101T000000Z${suffixes[script] ?? ''}`), '')
    const environment = { PATH: process.env['PATH'] ?? '', HOME: path }
    const { status } = spawnSync(join(scripts, script), ['/nowhere/at/all.db', path, '0'], { env: environment })
    expect(status).not.toBe(0)
    const left = readdirSync(path).filter((name) => name.endsWith(suffixes[script] ?? ''))
    expect(left).toEqual([`workflows-20200101T000000Z${suffixes[script] ?? ''}`])
  })
})
