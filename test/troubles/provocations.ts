import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findFreePort } from '../servers/process.ts'
import { startOwnMariadb, type OwnServer, type OwnSession } from '../servers/own.ts'
import type { Trouble } from '@millrace/db/sql/troubles'
import { defaultRetryPolicy } from '@millrace/db/store/retry'
import { Client as PlanetscaleClient } from '@planetscale/database'
import { createClient } from '@libsql/client/http'
import { createClient as openFile } from '@libsql/client'
import type { Gateway } from '@millrace/gateway'
import { targetOf } from '../database.ts'
import type { DialectName } from '../dialects.ts'
import { startOldMysql } from './old-mysql.ts'
import { onSmallDisk } from './small-disk.ts'
import type { Stage, Told } from './stage.ts'

/** Brings the trouble about for real, and gives what a request then was answered. */
export type Provoke = (stage: Stage) => Promise<Told>

export type Provocations = Readonly<Partial<Record<Trouble, Provoke>>>

const read = (stage: Stage): Promise<Told> => stage.ask('GET', `/v1/workflows/${stage.workflowId}`)

const requireTls = (stage: Stage, url: string): Promise<Told> =>
  stage.behind(`${url}?sslmode=require`, () => read(stage))

const create = (stage: Stage, definition = '{}', token?: string): Promise<Told> =>
  stage.ask('POST', '/v1/workflows', { body: `{"name":"another","definition":${definition}}`, token })

const patch = (stage: Stage): Promise<Told> =>
  stage.ask('PATCH', `/v1/workflows/${stage.workflowId}`, { body: '{"name":"changed"}', headers: { 'If-Match': '*' } })

function serverOf({ server }: Stage): OwnServer {
  if (server === undefined) throw new Error('SQLite has no server')
  return server
}

function databaseIn(url: string): string {
  return new URL(url).pathname.slice(1)
}

/** The URL with something else in it. */
function changed(url: string, change: (url: URL) => void): string {
  const parsed = new URL(url)
  change(parsed)
  return parsed.href
}

/** With what a statement of the administrator's did taken back at the end. */
async function during<Result>(
  server: OwnServer,
  { set, unset }: { readonly set: readonly string[]; readonly unset: readonly string[] },
  work: () => Promise<Result>,
  database?: string,
): Promise<Result> {
  for (const statement of set) await server.administer(statement, database)
  try {
    return await work()
  } finally {
    for (const statement of unset) await server.administer(statement, database)
  }
}

/** While another program has the database's session, having run these. */
async function besides<Result>(
  stage: Stage,
  statements: readonly string[],
  work: (session: OwnSession) => Promise<Result>,
): Promise<Result> {
  const session = await serverOf(stage).session(databaseIn(stage.url))
  try {
    for (const statement of statements) await session.query(statement)
    return await work(session)
  } finally {
    await session.end()
  }
}

const unreachable: Provoke = (stage) => read(stage)

/** More than any page of the database has left. */
const large = (): string => JSON.stringify({ text: randomBytes(200_000).toString('base64') })

/** Creates workflows until there is an answer other than that it was done. */
async function createUntilRefused(stage: Stage, token?: string): Promise<Told> {
  for (;;) {
    const told = await create(stage, large(), token)
    if (told.status !== 201) return told
  }
}

const servers: Provocations = {
  database_unreachable: unreachable,
  async connection_refused(stage) {
    const port = await findFreePort()
    return stage.behind(
      changed(stage.url, (url) => {
        url.port = String(port)
      }),
      () => read(stage),
    )
  },
  unknown_host: (stage) =>
    stage.behind(
      changed(stage.url, (url) => {
        url.hostname = 'no-such-host.invalid'
      }),
      () => read(stage),
    ),
  database_missing: (stage) =>
    stage.behind(
      changed(stage.url, (url) => {
        url.pathname = '/millrace_absent'
      }),
      () => read(stage),
    ),
  // PostgreSQL, and MariaDB until 11.3, have no TLS unless they are given a certificate.
  tls_unsupported: (stage) => requireTls(stage, stage.url),
}

export const postgres: Provocations = {
  ...servers,
  database_auth_failed: (stage) =>
    during(
      serverOf(stage),
      {
        set: ["alter role millrace password 'another'"],
        unset: [`alter role millrace password '${serverOf(stage).address.password}'`],
      },
      () => stage.behind(stage.url, () => read(stage)),
    ),
  permission_denied: (stage) =>
    during(
      serverOf(stage),
      { set: ['revoke insert on workflows from millrace'], unset: ['grant insert on workflows to millrace'] },
      () => stage.behind(stage.url, () => create(stage)),
      databaseIn(stage.url),
    ),
  async tls_required(stage) {
    const server = serverOf(stage)
    const rules = join(server.dataDirectory, 'pg_hba.conf')
    const before = readFileSync(rules)
    writeFileSync(rules, 'host all postgres all scram-sha-256\nhostssl all all all scram-sha-256\n')
    try {
      await server.administer('select pg_reload_conf()')
      return await askUntil(stage, ({ status }) => status === 503)
    } finally {
      writeFileSync(rules, before)
      await server.administer('select pg_reload_conf()')
      await askUntil(stage, ({ status }) => status === 200)
    }
  },
  too_many_connections: (stage) =>
    during(
      serverOf(stage),
      { set: ['alter role millrace connection limit 0'], unset: ['alter role millrace connection limit -1'] },
      () => stage.behind(stage.url, () => read(stage)),
    ),
  pool_exhausted: (stage) =>
    besides(stage, ['begin', 'lock table workflows in access exclusive mode'], (session) =>
      stage.behind(`${stage.url}?pool_size=1&max_overflow=0&pool_timeout=0.05`, async (gateway) => {
        const first = read(stage)
        await untilLent(gateway)
        const second = await read(stage)
        await session.query('rollback')
        await first
        return second
      }),
    ),
  lock_wait: (stage) =>
    during(
      serverOf(stage),
      { set: ["alter role millrace set lock_timeout = '50ms'"], unset: ['alter role millrace reset lock_timeout'] },
      () =>
        besides(stage, ['begin', 'select 1 from workflows for update'], () =>
          stage.behind(stage.url, () => patch(stage)),
        ),
    ),
  statement_timeout: (stage) =>
    during(
      serverOf(stage),
      {
        set: ["alter role millrace set statement_timeout = '100ms'"],
        unset: ['alter role millrace reset statement_timeout'],
      },
      () =>
        besides(stage, ['begin', 'lock table workflows in access exclusive mode'], () =>
          stage.behind(stage.url, () => read(stage)),
        ),
    ),
  read_only: (stage) =>
    during(
      serverOf(stage),
      {
        set: ['alter role millrace set default_transaction_read_only = on'],
        unset: ['alter role millrace reset default_transaction_read_only'],
      },
      () => stage.behind(stage.url, () => create(stage)),
    ),
  database_schema_outdated: (stage) =>
    during(
      serverOf(stage),
      { set: ['alter table workflows rename to gone'], unset: ['alter table gone rename to workflows'] },
      () => stage.behind(stage.url, () => read(stage)),
      databaseIn(stage.url),
    ),
  async disk_full(stage) {
    const server = serverOf(stage)
    const disk = join(dirname(server.dataDirectory), 'small')
    const database = databaseIn(stage.url)
    return onSmallDisk(disk, 8, server.processUserId, async () => {
      await server.administer(`create tablespace small location '${disk}'`)
      await server.administer('alter table workflow_versions set tablespace small', database)
      try {
        return await stage.behind(stage.url, () => createUntilRefused(stage))
      } finally {
        await server.administer('alter table workflow_versions set tablespace pg_default', database)
        await server.administer('drop tablespace small')
      }
    })
  },
  deadlock: (stage) =>
    besides(
      stage,
      [
        "set deadlock_timeout = '60s'",
        'begin',
        // The version that a patch is about to make, and a patch waits for it with its workflow locked.
        `insert into workflow_versions (id, workflow_id, version_number, definition, created_at)
         select 'in-the-way', id, version_number + 1, '{}', now() from workflows where id = '${stage.workflowId}'`,
      ],
      (session) => stage.behind(stage.url, () => deadlockWithWaiting(stage, session)),
    ),
}

/** A server reads its settings again when it gets to it, and lends no new session by old ones. */
async function askUntil(stage: Stage, holds: (told: Told) => boolean): Promise<Told> {
  for (;;) {
    const told = await stage.behind(stage.url, () => read(stage))
    if (holds(told)) return told
  }
}

/** The Worker waits for the session, then the session for the Worker. */
async function deadlockWithWaiting(stage: Stage, session: OwnSession): Promise<Told> {
  const answer = stage.ask('PATCH', `/v1/workflows/${stage.workflowId}`, {
    body: '{"definition":{"other":true}}',
    headers: { 'If-Match': '*' },
  })
  const watcher = await serverOf(stage).session(databaseIn(stage.url))
  try {
    const waits = "select 1 from pg_stat_activity where usename = 'millrace' and wait_event_type = 'Lock'"
    while ((await watcher.query(waits)).length === 0);
    await session.query(`update workflows set name = 'taken' where id = '${stage.workflowId}'`)
    return await answer
  } finally {
    await watcher.end()
  }
}

async function untilLent(gateway: Gateway, count = 1): Promise<void> {
  while (gateway.status().checkedOut < count) await new Promise((resolve) => setImmediate(resolve))
}

export const mysql: Provocations = {
  ...servers,
  database_auth_failed: (stage) =>
    during(
      serverOf(stage),
      {
        set: ["alter user millrace@'%' identified by 'another'"],
        unset: [`alter user millrace@'%' identified by '${serverOf(stage).address.password}'`],
      },
      () => stage.behind(stage.url, () => read(stage)),
    ),
  permission_denied: (stage) =>
    during(
      serverOf(stage),
      {
        set: ["revoke insert on `millrace\\_%`.* from millrace@'%'"],
        unset: ["grant insert on `millrace\\_%`.* to millrace@'%'"],
      },
      () => stage.behind(stage.url, () => create(stage)),
    ),
  async tls_unsupported(stage) {
    const told = await requireTls(stage, stage.url)
    if (told.status !== 200) return told
    // Newer servers have a certificate of their own making.
    const [found] = await serverOf(stage).administer('select version() as version')
    const isMariadb = String(found?.['version']).includes('MariaDB')
    const server = await startOwnMariadb([isMariadb ? '--ssl=OFF' : '--tls-version='])
    try {
      return await requireTls(stage, server.url(await server.createDatabase()))
    } finally {
      await server.remove()
    }
  },
  tls_required: (stage) =>
    besides(stage, ['set global require_secure_transport = on'], async (session) => {
      try {
        return await stage.behind(`${stage.url}?sslmode=disable`, () => read(stage))
      } finally {
        await session.query('set global require_secure_transport = off')
      }
    }),
  too_many_connections: (stage) =>
    during(
      serverOf(stage),
      {
        set: ["alter user millrace@'%' with max_user_connections 1"],
        unset: ["alter user millrace@'%' with max_user_connections 0"],
      },
      () => stage.behind(stage.url, (gateway) => whileLent(gateway, stage, () => read(stage))),
    ),
  pool_exhausted: (stage) =>
    stage.behind(`${stage.url}?pool_size=1&max_overflow=0&pool_timeout=0.05`, (gateway) =>
      whileLent(gateway, stage, () => read(stage)),
    ),
  lock_wait: (stage) =>
    during(
      serverOf(stage),
      { set: ['set global innodb_lock_wait_timeout = 0'], unset: ['set global innodb_lock_wait_timeout = 50'] },
      () =>
        besides(stage, ['begin', 'select 1 from workflows for update'], () =>
          stage.behind(stage.url, () => patch(stage)),
        ),
    ),
  statement_timeout: (stage) =>
    besides(stage, ['lock tables workflows write'], async (session) => {
      const ofMariadb = await session.query("show global variables like 'max_statement_time'")
      // In seconds on MariaDB, in milliseconds on MySQL.
      const [name, limit] = ofMariadb.length > 0 ? ['max_statement_time', '0.1'] : ['max_execution_time', '100']
      const setting = { set: [`set global ${name} = ${limit}`], unset: [`set global ${name} = 0`] }
      return during(serverOf(stage), setting, () => stage.behind(stage.url, () => read(stage)))
    }),
  async deadlock(stage) {
    const id = stage.workflowId
    const statements = [
      'create table weight (id integer primary key auto_increment)',
      'set foreign_key_checks = 0',
      'begin',
      // The lighter transaction is ended.
      `insert into weight values ${Array.from({ length: 50 }, () => '(null)').join()}`,
      `insert into workflow_versions (id, workflow_id, version_number, definition, created_at)
       values ('in-the-way', '${id}', 2, '{}', now())`,
    ]
    try {
      return await besides(stage, statements, (session) => stage.behind(stage.url, () => deadlockOnce(stage, session)))
    } finally {
      await serverOf(stage).administer('drop table weight', databaseIn(stage.url))
    }
  },
  // InnoDB ends the whole server where its disk has no room left. A table in memory is full without that.
  disk_full: (stage) =>
    besides(
      stage,
      [
        'set max_heap_table_size = 16384',
        'create table heap (filling varchar(8000)) engine = memory',
        `create trigger fill after insert on workflows for each row
         insert into heap values ${Array.from({ length: 64 }, () => "(repeat('x', 8000))").join()}`,
      ],
      async (session) => {
        try {
          return await stage.behind(stage.url, () => create(stage))
        } finally {
          await session.query('drop trigger fill')
          await session.query('drop table heap')
        }
      },
    ),
  read_only: (stage) =>
    during(serverOf(stage), { set: ['set global read_only = on'], unset: ['set global read_only = off'] }, () =>
      stage.behind(stage.url, () => create(stage)),
    ),
  database_schema_outdated: (stage) =>
    during(
      serverOf(stage),
      { set: ['rename table workflows to gone'], unset: ['rename table gone to workflows'] },
      () => stage.behind(stage.url, () => read(stage)),
      databaseIn(stage.url),
    ),
}

const lockWaits =
  "select 1 from information_schema.processlist where user = 'millrace' and info like 'insert into %workflow_versions%'"

/** The Worker sends what collided again until its deadline: so it is past that when the session makes the deadlock. */
async function deadlockOnce(stage: Stage, session: OwnSession): Promise<Told> {
  const answer = stage.ask('PATCH', `/v1/workflows/${stage.workflowId}`, {
    body: '{"definition":{"other":true}}',
    headers: { 'If-Match': '*' },
  })
  while ((await session.query(lockWaits)).length === 0);
  await session.query(`do sleep(${defaultRetryPolicy.deadlineMilliseconds / 1000})`)
  await session.query(`update workflows set name = 'taken' where id = '${stage.workflowId}'`)
  return answer
}

/** While a transaction holds a connection of the gateway's. */
async function whileLent<Result>(gateway: Gateway, stage: Stage, work: () => Promise<Result>): Promise<Result> {
  const { username, password } = new URL(stage.url)
  const client = new PlanetscaleClient({ url: `http://${username}:${password}@127.0.0.1:${gateway.port}` })
  return client.transaction(async (transaction) => {
    await transaction.execute('select 1')
    return work()
  })
}

export const sqlite: Provocations = {
  database_unreachable: unreachable,
  database_schema_outdated: (stage) =>
    asOwner(stage, ['alter table workflows rename to gone'], ['alter table gone rename to workflows'], () =>
      stage.behind(stage.url, () => read(stage)),
    ),
  async lock_wait(stage) {
    const client = openFile({ url: `file:${fileOf(stage.url)}` })
    const transaction = await client.transaction('write')
    try {
      return await stage.behind(stage.url, () => create(stage), { lockSeconds: 0.05 })
    } finally {
      await transaction.rollback()
      client.close()
    }
  },
  disk_full: (stage) =>
    onDiskOfItsOwn(stage, (url) => stage.behind(url, async () => createUntilRefused(stage, await stage.join()))),
  // Its folder is gone from under the gateway.
  async database_missing(stage) {
    const folder = dirname(fileOf(stage.url))
    return stage.behind(stage.url, async () => {
      renameSync(folder, `${folder}-gone`)
      try {
        return await read(stage)
      } finally {
        renameSync(`${folder}-gone`, folder)
      }
    })
  },
  pool_exhausted: (stage) =>
    stage.behind(`${stage.url}?pool_size=1&max_overflow=0&pool_timeout=0.05`, async (gateway) => {
      const client = createClient({ url: gateway.url })
      const transaction = await client.transaction('read')
      try {
        await transaction.execute('select 1')
        return await read(stage)
      } finally {
        transaction.close()
        client.close()
      }
    }),
}

/** Another program has the file open. */
async function asOwner<Result>(
  { url }: Stage,
  before: readonly string[],
  after: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  const client = openFile({ url: `file:${fileOf(url)}` })
  try {
    for (const statement of before) await client.execute(statement)
    return await work()
  } finally {
    for (const statement of after) await client.execute(statement)
    client.close()
  }
}

async function onDiskOfItsOwn<Result>(stage: Stage, work: (url: string) => Promise<Result>): Promise<Result> {
  const folder = join(dirname(fileOf(stage.url)), 'small')
  return onSmallDisk(folder, 2, 0, async () => {
    const url = `sqlite:///${join(folder, 'workflows.db')}`
    await stage.migrate(url)
    return work(url)
  })
}

/** What `migrate` throws on a server without JSON. */
export async function migrateWithoutJson(stage: Stage): Promise<unknown> {
  const server = serverOf(stage)
  const database = await server.createDatabase()
  if (stage.dialect === 'postgres') {
    await server.administer('alter type pg_catalog.json rename to json_of_later', database)
    return stage.migrate(server.url(database)).then(nothing, same)
  }
  const old = await startOldMysql(server.address.port)
  try {
    const url = changed(server.url(database), (parts) => {
      parts.port = String(old.port)
      // It reads what passes; newer servers encrypt where they may.
      parts.searchParams.set('sslmode', 'disable')
    })
    return await stage.migrate(url).then(nothing, same)
  } finally {
    old.close()
  }
}

const nothing = (): undefined => undefined
const same = (thrown: unknown): unknown => thrown

/** They need a disk mounted: which can't be done everywhere. */
export const diskTroubles: Readonly<Record<DialectName, ReadonlySet<string>>> = {
  sqlite: new Set(['disk_full']),
  postgres: new Set(['disk_full']),
  mysql: new Set(),
}

export const provocations: Readonly<Record<DialectName, Provocations>> = { sqlite, postgres, mysql }

function fileOf(url: string): string {
  const target = targetOf(url)
  if (target.via !== 'file') throw new Error('not a file')
  return target.path
}
