import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, inject, test } from 'vitest'

const workspace = fileURLToPath(new URL('..', import.meta.url))

/** Files with one import each, which its room refuses. */
const refused: readonly (readonly [file: string, source: string])[] = [
  ['packages/db/src/store/store.ts', `import { createClient } from '@libsql/client'`],
  ['packages/db/src/store/store.ts', `import { createClient } from '@libsql/client/web'`],
  ['packages/db/src/schema/rows.ts', `import type { Client } from '@planetscale/database'`],
  ['packages/db/src/schema/rows.ts', `export { neon } from '@neondatabase/serverless'`],
  ['packages/db/src/schema/rows.ts', `export * from '@neondatabase/serverless'`],
  ['packages/db/src/schema/rows.ts', `export const load = async () => import('@libsql/client')`],
  ['packages/db/src/schema/rows.ts', `export const load = async (name: string) => import(name)`],
  ['packages/db/src/schema/rows.ts', 'export const load = async () => import(`@libsql/client`)'],
  ['packages/db/src/schema/rows.ts', `export type Client = import('@libsql/client').Client`],
  ['packages/db/src/schema/rows.ts', `export const load = () => require('@libsql/client')`],
  ['packages/db/src/schema/rows.ts', `// oxlint-disable-next-line no-restricted-imports\nimport '@libsql/client'`],
  ['packages/db/src/schema/rows.ts', `/* oxlint-disable */\nimport '@libsql/client'`],
  ['packages/db/src/schema/schema.ts', `import { sqliteTable } from 'drizzle-orm/sqlite-core'`],
  ['packages/db/src/schema/schema.ts', `import { drizzle } from 'drizzle-orm/neon-http'`],
  ['packages/db/src/sql/errors.ts', `import { Hono } from 'hono'`],
  ['packages/db/src/sql/errors.ts', `import { z } from 'zod'`],
  ['packages/db/src/sql/errors.ts', `import { app } from '@millrace/api/app'`],
  ['packages/db/src/sql/errors.ts', `import { app } from '../../api/src/app.ts'`],
  ['packages/db/src/sql/errors.ts', `import { startGateway } from '@millrace/gateway'`],
  ['packages/db/src/sql/errors.ts', `import { run } from '@millrace/cli/program'`],
  ['packages/db/src/sql/errors.ts', `import { readFileSync } from 'node:fs'`],
  ['packages/db/src/sql/errors.ts', `import { readFileSync } from 'fs'`],
  ['packages/db/src/repositories/accounts/users.ts', `import { postgres } from '../../dialects/postgres/dialect.ts'`],
  ['packages/db/src/repositories/accounts/users.ts', `import { migrate } from '../../migrate/migrate.ts'`],
  ['packages/db/src/store/store.ts', `import { findUser } from '../repositories/accounts/users.ts'`],
  ['packages/db/src/schema/schema.ts', `import { sqlite } from '../dialects/sqlite/dialect.ts'`],
  ['packages/db/src/document/index.ts', `import type { Dialect } from '../sql/dialect.ts'`],
  ['packages/db/src/url/index.ts', `import type { Store } from '../store/store.ts'`],
  ['packages/db/src/access/reads.ts', `import type { Store } from '../store/store.ts'`],
  ['packages/db/src/migrate/migrate.ts', `import { findUser } from '../repositories/accounts/users.ts'`],
  ['packages/db/src/sql/statement.ts', `import { sqlite } from '../dialects/sqlite/dialect.ts'`],
  ['packages/db/src/archive/load.ts', `import { checks } from '../checklist/checks.ts'`],
  ['packages/db/src/archive/adopt/cell.ts', `import { checks } from '../../checklist/checks.ts'`],
  ['packages/db/src/dialects/mysql/errors.ts', `import { anchorLost } from '../../access/access.ts'`],
  ['packages/db/src/repositories/accounts/users.ts', `import { pgTable } from 'drizzle-orm/pg-core'`],
  ['packages/db/src/dialects/mysql/store.ts', `import mysql from 'mysql2/promise'`],
  ['packages/db/src/dialects/postgres/store.ts', `import pg from 'pg'`],
  ['packages/db/src/dialects/sqlite/store.ts', `import Database from 'libsql'`],
  ['packages/db/src/dialects/sqlite/store.ts', `import { Hono } from 'hono'`],
  ['packages/api/src/routes/workflows/get.ts', `import { eq } from 'drizzle-orm'`],
  ['packages/api/src/routes/workflows/get.ts', `import type { SQL } from 'drizzle-orm'`],
  ['packages/api/src/routes/workflows/get.ts', `import { neon } from '@neondatabase/serverless'`],
  ['packages/api/src/routes/workflows/get.ts', `import { mysql } from '@millrace/db/dialects/mysql/dialect'`],
  ['packages/api/src/routes/workflows/get.ts', `import { readFile } from 'node:fs/promises'`],
  ['packages/api/src/services/workflows.ts', `import { HTTPException } from 'hono/http-exception'`],
  ['packages/api/src/services/workflows.ts', `import type { Context } from 'hono'`],
  ['packages/api/src/services/workflows.ts', `import { openStore } from '@millrace/db/store/store'`],
  ['packages/db/src/dialects/sqlite/store.ts', `import { createClient } from '@libsql/client/web'`],
  ['packages/db/src/store/store.ts', `import { openDatabase } from '@millrace/drivers/open'`],
  ['packages/drivers/src/open.ts', `import pg from 'pg'`],
  ['packages/drivers/src/open.ts', `import { app } from '@millrace/api/app'`],
  ['packages/drivers/src/open.ts', `import { eq } from 'drizzle-orm'`],
  ['packages/api/src/app.ts', `import { openDatabase } from '@millrace/drivers/open'`],
  ['packages/api/src/app.ts', `import { startGateway } from '@millrace/gateway'`],
  ['functions/src/index.ts', `import { createClient } from '@libsql/client'`],
  ['functions/src/index.ts', `import { startGateway } from '@millrace/gateway'`],
  ['packages/api/src/routes/users/get.test.ts', `import pg from 'pg'`],
  ['functions/src/index.ts', `import pg from 'pg'`],
  ['packages/gateway/src/server.ts', `import { connect } from '@planetscale/database'`],
  ['packages/gateway/src/server.ts', `import { app } from '@millrace/api/app'`],
  ['packages/cli/src/commands/migrate.ts', `import pg from 'pg'`],
  ['packages/cli/src/commands/migrate.ts', `import { eq } from 'drizzle-orm'`],
  ['packages/console/src/app.tsx', `import { routes } from '@millrace/api/app'`],
  ['packages/console/src/app.tsx', `import { scanBody } from '@millrace/db/document'`],
  ['packages/console/src/app.tsx', `import { createAsk } from '@millrace/client/exchange/asking'`],
  ['packages/console/src/api/client.ts', `import { hc } from 'hono/client'`],
  ['packages/console/src/api/client.ts', `import { readFileSync } from 'node:fs'`],
]

/** One import each, which its room needs. */
const allowed: readonly (readonly [file: string, source: string])[] = [
  ['packages/drivers/src/libsql/connect.ts', `import { createClient } from '@libsql/client/web'`],
  ['packages/drivers/src/neon/connect.ts', `import { postgres } from '@millrace/db/dialects/postgres/dialect'`],
  ['packages/console/src/app.tsx', `import { createClient } from '@millrace/client'`],
  ['packages/console/src/app.tsx', `import type { ErrorCode } from '@millrace/api/errors'`],
  ['packages/db/src/dialects/postgres/kit.ts', `import { pgTable } from 'drizzle-orm/pg-core'`],
  ['packages/db/src/repositories/accounts/users.ts', `import { eq } from 'drizzle-orm'`],
  ['packages/db/src/repositories/accounts/users.ts', `import { withKey } from '../../store/idempotency.ts'`],
  ['packages/db/src/schema/schema.ts', `import type { sqliteKit } from '../dialects/sqlite/kit.ts'`],
  ['packages/db/src/checklist/backups.ts', `import { lastRun } from '../repositories/backups/runs.ts'`],
  ['packages/db/src/archive/gzip.test.ts', `import { gzipSync } from 'node:zlib'`],
  ['packages/api/src/app.ts', `import { Hono } from 'hono'`],
  ['packages/api/src/services/users.ts', `import type { Store } from '@millrace/db/store/store'`],
  ['packages/api/src/services/users.ts', `import { findUser } from '@millrace/db/repositories/accounts/users'`],
  ['functions/src/index.ts', `import { openStore } from '@millrace/db/store/store'`],
  ['packages/gateway/src/server.ts', `import pg from 'pg'`],
  ['packages/gateway/src/server.test.ts', `import { createClient } from '@libsql/client'`],
  ['packages/cli/src/commands/dev.ts', `import { startGateway } from '@millrace/gateway'`],
  ['packages/cli/src/commands/dev.ts', `export const load = async () => import('./migrate.ts')`],
]

describe('the import boundaries', () => {
  let report: { readonly status: number | null; readonly lines: readonly string[] }

  beforeAll(() => {
    const planted = plantWorkspace()
    const run = spawnSync(process.execPath, [join(workspace, 'scripts/boundaries.ts'), planted], { encoding: 'utf8' })
    report = { status: run.status, lines: `${run.stdout}${run.stderr}`.split('\n') }
  })

  test.each(refused)('refuse in %s: %s', (file, source) => {
    const planted = fileOf(
      file,
      refused.findIndex((row) => row[0] === file && row[1] === source),
    )
    expect(report.lines.filter((line) => line.startsWith(`${planted}:`))).not.toEqual([])
    expect(report.status).toBe(1)
  })

  test.each(allowed)('let pass in %s: %s', (file, source) => {
    const planted = fileOf(
      file,
      allowed.findIndex((row) => row[0] === file && row[1] === source),
    )
    expect(report.lines.filter((line) => line.startsWith(`${planted}:`))).toEqual([])
  })
})

/** Files of so many lines, and whether there may be one. */
const lengths: readonly (readonly [file: string, lines: number, isRefused: boolean])[] = [
  ['packages/api/src/long.ts', 401, true],
  ['packages/console/src/pages/long.tsx', 401, true],
  ['packages/console/src/styles/long.css', 401, true],
  ['packages/console/src/styles/short.css', 400, false],
  ['packages/api/src/short.ts', 400, false],
  ['packages/api/src/long.test.ts', 900, false],
  ['packages/db/src/schema/schema.ts', 900, false],
]

/** What `scripts/boundaries.ts` says of a workspace with these files alone. */
function linesAbout(files: readonly (readonly [file: string, text: string])[]): readonly string[] {
  const folder = emptyWorkspace()
  for (const [file, text] of files) plant(folder, file, text)
  const run = spawnSync(process.execPath, [join(workspace, 'scripts/boundaries.ts'), folder], { encoding: 'utf8' })
  return run.stdout.split('\n')
}

describe('the length of a file', () => {
  let lines: readonly string[]

  beforeAll(() => {
    lines = linesAbout(lengths.map(([file, count]) => [file, '// a line\n'.repeat(count)]))
  })

  test.each(lengths)('%s with %d lines is refused: %s', (file, count, isRefused) => {
    expect(lines.some((line) => line.startsWith(`${file}: has ${count} lines`))).toBe(isRefused)
  })
})

test('imports that go in a circle are refused, of types alone too', () => {
  const way = ['packages/api/src/one.ts', 'packages/api/src/below/two.ts', 'packages/api/src/three.ts']
  const [one = '', two = '', three = ''] = way
  const straight = [
    [one, `import type { Two } from './below/two.ts'\n`],
    [two, `export { three } from '../three.ts'\n`],
  ] as const
  const wayBack = `export const load = async () => import('./one.ts')\n`
  const isToldOf = (lines: readonly string[]) => lines.some((line) => line.includes('imports go in a circle'))
  const noWayBack = [
    [three, 'export const three = 3\n'],
    [three.replace('.ts', '.test.ts'), wayBack],
  ] as const
  expect(isToldOf(linesAbout([...straight, ...noWayBack]))).toBe(false)
  expect(linesAbout([...straight, [three, wayBack]])).toContainEqual(
    expect.stringMatching(/(packages\/api\/src\/\S+ -> ){3}packages\/api\/src\/\S+: imports go in a circle/),
  )
})

/** Each row becomes a file of its own beside the one that it names. */
function fileOf(file: string, row: number): string {
  return file.replace(/(\.test)?\.tsx?$/, (ending) => `-${row}${ending}`)
}

function plantWorkspace(): string {
  const folder = emptyWorkspace()
  for (const rows of [refused, allowed]) {
    for (const [row, [file, source]] of rows.entries()) plant(folder, fileOf(file, row), `${source}\n`)
  }
  return folder
}

function emptyWorkspace(): string {
  const folder = mkdtempSync(join(inject('directory'), 'boundaries-'))
  cpSync(join(workspace, 'oxlint.boundaries.ts'), join(folder, 'oxlint.boundaries.ts'))
  symlinkSync(join(workspace, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

function plant(folder: string, file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}
