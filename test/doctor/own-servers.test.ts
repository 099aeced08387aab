import { chmodSync, chownSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckId } from '@millrace/db/checklist/checks'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import { startGateway } from '@millrace/gateway'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialects } from '../dialects.ts'
import { startOwnMariadb, startOwnPostgres, type OwnServer } from '../servers/own.ts'
import { makeCertificates, type Certificates } from '../tls/certificates.ts'
import { doctor } from './kit.ts'
import { makeWorld, type World } from './world.ts'

/** What only a server's administrator can plant, on a server that has TLS. */
describeDialects((dialect) => {
  if (dialect === 'sqlite') {
    test('a file has no administrator', async () => {
      const world = await makeWorld(dialect)
      const { findings } = await doctor(world.settings)
      expect(findings.find(({ id }) => id === 'tls')).toMatchObject({ level: 'ok' })
      await world.stop()
    })
    return
  }

  let certificates: Certificates
  let server: OwnServer
  let database: string
  let world: World

  beforeAll(async () => {
    const directory = mkdtempSync(join(inject('directory'), 'doctor-tls-'))
    chmodSync(directory, 0o711)
    certificates = makeCertificates(join(directory, 'made'))
    chmodSync(join(directory, 'made'), 0o711)
    const { certificateFile, keyFile } = certificates.of.good
    chmodSync(keyFile, 0o600)
    if (dialect === 'postgres') {
      // PostgreSQL runs as another user when this is root, and wants the key to be its own.
      if (process.getuid?.() === 0) chownSync(keyFile, 65_534, 65_534)
      server = await startOwnPostgres({ ssl: 'on', ssl_cert_file: certificateFile, ssl_key_file: keyFile })
    } else {
      server = await startOwnMariadb([`--ssl-cert=${certificateFile}`, `--ssl-key=${keyFile}`])
    }
    database = await server.createDatabase()
    world = await makeWorld(dialect)
    const target = targetOf(server.url(database))
    const gateway = await startGateway({ target })
    await migrate(await openDatabase({ target, gatewayUrl: gateway.url }), world.reached.migrations)
    await gateway.close()
  })
  afterAll(async () => {
    await world.stop()
    await server.remove()
  })

  async function findingsAt(id: CheckId, options: string, url = server.url(database, options)) {
    const { findings } = await doctor({ ...world.settings, DATABASE_URL: url })
    return findings.filter((finding) => finding.id === id)
  }

  test('tls tells the version that is really spoken, and whether anybody verifies', async () => {
    expect(await findingsAt('tls', `sslmode=verify-full&ssl_ca=${certificates.caFile}`)).toEqual([
      { id: 'tls', level: 'ok', fix: '', message: expect.stringMatching(/uses TLSv1\.\d, .*verified/) },
    ])
    expect(await findingsAt('tls', 'sslmode=require')).toEqual([
      { id: 'tls', level: 'ok', fix: '', message: expect.stringMatching(/uses TLSv1\.\d, and does not leave/) },
    ])
    expect(await findingsAt('tls', 'sslmode=disable')).toEqual([
      { id: 'tls', level: 'ok', fix: '', message: expect.stringMatching(/not encrypted, but does not leave/) },
    ])
  })

  test('a certificate that is not trusted fails tls, and nothing behind it is told as right', async () => {
    const self = certificates.of['self-signed'].certificateFile
    const { findings, exitCode } = await doctor({
      ...world.settings,
      DATABASE_URL: server.url(database, `sslmode=verify-full&ssl_ca=${self}`),
    })
    expect(exitCode).toBe(1)
    expect(findings.filter(({ level }) => level === 'fail').map(({ id }) => id)).toEqual(['tls'])
    expect(findings.filter(({ level }) => level === 'ok').map(({ id }) => id)).toEqual([
      'url',
      'sqlite.production',
      'replica',
      'secret.auth_keys',
      'secret.settings_keys',
      'secret.metrics_token',
      'secret.reuse',
      'registration.open',
    ])
  })

  test('an authority whose file can not be read fails tls', async () => {
    const [found] = await findingsAt('tls', 'sslmode=verify-full&ssl_ca=/nowhere/ca.pem')
    expect(found).toMatchObject({ level: 'fail', message: expect.stringContaining('/nowhere/ca.pem') })
  })

  test('a pool that is larger than its user may have fails pool.size', async () => {
    const limit = (connections: number) =>
      dialect === 'postgres'
        ? `alter role millrace connection limit ${connections}`
        : `alter user millrace@'%' with max_user_connections ${connections}`
    await server.administer(limit(10))
    const [found] = await findingsAt('pool.size', '')
    expect(found).toMatchObject({ level: 'fail', message: expect.stringMatching(/allows 10 \(the (?:role|user)'s/) })
    await server.administer(limit(dialect === 'postgres' ? -1 : 0))
    expect(await findingsAt('pool.size', '')).toEqual([expect.objectContaining({ level: 'ok' })])
  })

  test('a user that may only read fails auth', async () => {
    const statements =
      dialect === 'postgres'
        ? [
            `create role reader login password 'only reading'`,
            `grant usage on schema public to reader`,
            `grant select on all tables in schema public to reader`,
          ]
        : [`create user reader@'%' identified by 'only reading'`, `grant select on ${database}.* to reader@'%'`]
    for (const statement of statements) await server.administer(statement, database)
    const url = server.url(database).replace(/\/\/[^@]*@/, '//reader:only%20reading@')
    const [found] = await findingsAt('auth', '', url)
    expect(found).toMatchObject({ level: 'fail', message: expect.stringMatching(/denied/) })
  })

  test('a server that takes no writes fails auth as the primary, and is right as the replica', async () => {
    const [set, reset] =
      dialect === 'postgres'
        ? [
            `alter database ${database} set default_transaction_read_only = on`,
            `alter database ${database} reset default_transaction_read_only`,
          ]
        : ['set global read_only = 1', 'set global read_only = 0']
    await server.administer(set)
    expect(await findingsAt('auth', '')).toEqual([
      expect.objectContaining({ level: 'fail', message: expect.stringContaining('refuses writes') }),
    ])
    await world.query('delete from backups')
    const { findings } = await doctor({ ...world.settings, DATABASE_READ_URL: server.url(database) })
    expect(findings.filter(({ id }) => id === 'replica')).toEqual([
      { id: 'replica', level: 'ok', fix: '', message: expect.stringContaining('is read-only') },
    ])
    await server.administer(reset)
  })
})
