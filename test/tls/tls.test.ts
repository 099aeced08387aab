import { chmodSync, chownSync, copyFileSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrations } from '@millrace/cli/migrations'
import type { Database } from '@millrace/db/store/database'
import { openDatabase } from '@millrace/drivers/open'
import { DatabaseError } from '@millrace/db/sql/errors'
import { migrate } from '@millrace/db/migrate/migrate'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Trouble } from '@millrace/db/sql/troubles'
import { parseDatabaseUrl } from '@millrace/db/url'
import { startGateway } from '@millrace/gateway'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { startOwnMariadb, startOwnPostgres, type OwnServer } from '../servers/own.ts'
import { fingerprintOf, shownFingerprint } from './shown.ts'
import { workspaceRoot } from '../workspace.ts'
import { makeCertificates, type CertificateKind, type Certificates } from './certificates.ts'

type ServerKind = CertificateKind | 'none'

/** Whether the connection is encrypted, or why there is none. */
type Outcome = 'encrypted' | 'clear' | Trouble

interface Row {
  /** Options of the URL; CA stands for the authority's file, SELF for the self-signed certificate's. */
  readonly options: string
  readonly host?: 'localhost'
  readonly outcomes: Readonly<Record<ServerKind, Outcome>>
}

const never = 'certificate_untrusted'
const encrypted = {
  good: 'encrypted',
  'self-signed': 'encrypted',
  expired: 'encrypted',
  'wrong-host': 'encrypted',
} as const
const chain = { good: 'encrypted', 'self-signed': never, expired: never, 'wrong-host': 'encrypted' } as const
const chainAndName = { ...chain, 'wrong-host': never } as const
const nobody = { good: never, 'self-signed': never, expired: never, 'wrong-host': never } as const
const clear = { good: 'clear', 'self-signed': 'clear', expired: 'clear', 'wrong-host': 'clear', none: 'clear' } as const
const none = 'tls_unsupported'

const table: readonly Row[] = [
  { options: '', outcomes: { ...encrypted, none: 'clear' } },
  { options: 'sslmode=disable', outcomes: clear },
  { options: 'ssl=false', outcomes: clear },
  { options: 'sslmode=prefer', outcomes: { ...encrypted, none: 'clear' } },
  { options: 'sslmode=require', outcomes: { ...encrypted, none } },
  { options: 'ssl=true', outcomes: { ...encrypted, none } },
  { options: 'ssl={"rejectUnauthorized":false}', outcomes: { ...encrypted, none } },
  { options: 'sslaccept=accept_invalid_certs', outcomes: { ...encrypted, none } },
  { options: 'sslmode=require&ssl_ca=CA', outcomes: { ...chain, none } },
  { options: 'sslmode=verify-ca', outcomes: { ...nobody, none } },
  { options: 'sslmode=verify-ca&sslrootcert=CA', outcomes: { ...chain, none } },
  { options: 'sslmode=verify-ca&ssl_ca=SELF', outcomes: { ...nobody, 'self-signed': 'encrypted', none } },
  { options: 'sslmode=verify-full', outcomes: { ...nobody, none } },
  { options: 'sslmode=verify-full&ssl_ca=CA', outcomes: { ...chainAndName, none } },
  { options: 'sslmode=verify-full&ssl_ca=CA', host: 'localhost', outcomes: { ...chainAndName, none } },
  { options: 'sslaccept=strict&ssl_ca=CA', outcomes: { ...chainAndName, none } },
  { options: 'ssl={"rejectUnauthorized":true}&ssl_ca=CA', outcomes: { ...chainAndName, none } },
]

describeDialectsByTest((dialect) => {
  if (dialect === 'sqlite') {
    test('a file has no TLS: the options are taken and change nothing', () => {
      expect(parseDatabaseUrl('sqlite:///./workflows.db?sslmode=require')).toMatchObject({
        ok: true,
        target: { via: 'file' },
      })
    })
    return
  }
  let certificates: Certificates
  let server: OwnServer
  let serverFiles: { readonly certificate: string; readonly key: string }
  let database: string
  let bare: OwnServer | undefined

  beforeAll(async () => {
    const directory = mkdtempSync(join(inject('directory'), 'tls-'))
    chmodSync(directory, 0o711)
    certificates = makeCertificates(join(directory, 'made'))
    serverFiles = { certificate: join(directory, 'server.pem'), key: join(directory, 'server.key') }
    writeServerFiles('good')
    server = await startWithTls()
    database = await server.createDatabase()
    await migrateAt(server.url(database))
  })
  afterAll(async () => {
    await server.remove()
    await bare?.remove()
  })

  function writeServerFiles(kind: CertificateKind): void {
    const { certificateFile, keyFile } = certificates.of[kind]
    copyFileSync(certificateFile, serverFiles.certificate)
    copyFileSync(keyFile, serverFiles.key)
    chmodSync(serverFiles.key, 0o600)
    // PostgreSQL runs as another user when this is root, and wants the key to be its own.
    if (dialect === 'postgres' && process.getuid?.() === 0) chownSync(serverFiles.key, 65_534, 65_534)
  }

  function startWithTls(): Promise<OwnServer> {
    const { certificate, key } = serverFiles
    return dialect === 'postgres'
      ? startOwnPostgres({ ssl_cert_file: certificate, ssl_key_file: key })
      : startOwnMariadb([`--ssl-cert=${certificate}`, `--ssl-key=${key}`])
  }

  /** Lets the server show another certificate, or have no TLS, without the time that a start takes. */
  async function show(kind: ServerKind): Promise<OwnServer> {
    if (kind !== 'none') writeServerFiles(kind)
    if (dialect === 'mysql') {
      if (kind === 'none') return bareServer()
      await server.administer('flush ssl')
      return server
    }
    await server.administer(`alter system set ssl = ${kind === 'none' ? 'off' : 'on'}`)
    await server.administer('select pg_reload_conf()')
    await reloaded(kind)
    return server
  }

  /** MariaDB can't be told to do without. */
  async function bareServer(): Promise<OwnServer> {
    bare ??= await startOwnMariadb()
    await bare.administer(`create database if not exists ${database}`)
    return bare
  }

  /** PostgreSQL reads its files when it gets to it: until a new connection is shown what is meant. */
  async function reloaded(kind: ServerKind): Promise<void> {
    for (;;) {
      const shown = await shownFingerprint(server.address.port)
      if (shown === (kind === 'none' ? undefined : fingerprintOf(certificates.of[kind].certificateFile))) return
    }
  }

  describe.each(['good', 'self-signed', 'expired', 'wrong-host', 'none'] as const)('a certificate: %s', (kind) => {
    let shown: OwnServer
    beforeAll(async () => {
      shown = await show(kind)
    })

    test.each(table)('$options $host', async ({ options, host, outcomes }) => {
      const filled = options
        .replace('CA', encodeURIComponent(certificates.caFile))
        .replace('SELF', encodeURIComponent(certificates.of['self-signed'].certificateFile))
      const url = shown.url(database, filled).replace('127.0.0.1', host ?? '127.0.0.1')
      expect(await outcomeOf(url, (reached) => Promise.resolve(reached.transport()))).toBe(outcomes[kind])
      // Another way to PostgreSQL: the WebSocket, by which `millrace backup` reads. Spellings are read before it parts.
      if (dialect !== 'postgres' || !options.startsWith('sslmode=')) return
      expect(await outcomeOf(url, (reached) => reached.snapshot())).toBe(outcomes[kind])
    })
  })
})

async function migrateAt(url: string): Promise<void> {
  const target = targetOf(url)
  const gateway = await startGateway({ target })
  await migrate(await openDatabase({ target, gatewayUrl: gateway.url }), readMigrations(workspaceRoot, target.dialect))
  await gateway.close()
}

interface Way {
  run(statement: Statement): Promise<RawResult>
  close?(): Promise<void>
}

/** Through a gateway, as the product connects. */
async function outcomeOf(url: string, open: (database: Database) => Promise<Way>): Promise<Outcome> {
  const target = targetOf(url)
  const gateway = await startGateway({ target })
  try {
    const way = await open(await openDatabase({ target, gatewayUrl: gateway.url }))
    const text =
      target.dialect === 'postgres'
        ? 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
        : "select variable_value from information_schema.session_status where variable_name = 'ssl_cipher'"
    const { rows } = await way.run({ text, parameters: [] })
    await way.close?.()
    return ['', 'f'].includes(String(rows[0]?.[0])) ? 'clear' : 'encrypted'
  } catch (error) {
    if (error instanceof DatabaseError) return error.trouble
    throw error
  } finally {
    await gateway.close()
  }
}
