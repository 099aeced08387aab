import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { expect, test } from 'vitest'
import { documentOf, emptyDirectory, startMillrace } from '../cli/millrace.ts'

const executions = 100_000
const longest = 1_200_000

/** The engine's tables with that many executions, made by SQLite itself. */
const statements = [
  'CREATE TABLE users (id VARCHAR(36) PRIMARY KEY, username VARCHAR(255), email VARCHAR(255), password_hash VARCHAR(255), created_at DATETIME)',
  'CREATE TABLE workflows (id VARCHAR(36) PRIMARY KEY, name VARCHAR(255), definition JSON, owner_id VARCHAR(36), is_public BOOLEAN, created_at DATETIME, updated_at DATETIME)',
  'CREATE TABLE executions (id VARCHAR(36) PRIMARY KEY, workflow_id VARCHAR(36), user_id VARCHAR(36), status VARCHAR(50), state JSON, started_at DATETIME, completed_at DATETIME)',
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
   INSERT INTO users SELECT 'u' || i, 'user' || i, i || '@example.com', 'hash', '2024-01-01 10:00:00.000000' FROM n`,
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
   INSERT INTO workflows SELECT 'w' || i, 'w', '{"nodes": [' || i || ']}', 'u' || (i % 1000 + 1), 0, '2024-01-01', '2024-01-01' FROM n`,
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${executions})
   INSERT INTO executions SELECT lower(hex(randomblob(16))), CASE WHEN i % 1000 = 0 THEN 'gone' ELSE 'w' || (i % 2000 + 1) END, 'u' || (i % 1000 + 1), 'completed', '{"text": "' || hex(randomblob(400)) || '"}', '2024-01-01 10:00:00.123456', NULL FROM n`,
]

test(`${executions} executions are adopted in constant memory`, { timeout: longest }, async () => {
  const cwd = emptyDirectory()
  const client = createClient({ url: `file:${join(cwd, 'engine.db')}` })
  for (const statement of statements) await client.execute(statement)
  client.close()
  const args = ['copy', '--from', 'sqlite:///./engine.db', '--to', 'sqlite:///./new.db', '--quarantine', 'q', '--json']
  const running = startMillrace(args, { cwd, env: { SETTINGS_KEYS: `k:${randomBytes(32).toString('base64url')}` } })
  let peakKilobytes = 0
  const watch = setInterval(() => (peakKilobytes = Math.max(peakKilobytes, peakOf(running.process.pid))), 200)
  const ended = await running.ended
  clearInterval(watch)
  expect(ended.exitCode, ended.stderr).toBe(0)
  expect(documentOf(ended)).toMatchObject({
    tables: { executions: { read: executions, written: executions * 0.999, quarantined: executions * 0.001 } },
  })
  expect(peakKilobytes).toBeGreaterThan(0)
  expect(peakKilobytes).toBeLessThan(200 * 1024)
})

/** What the process has had of the machine's memory at most; 0 once it is gone. */
function peakOf(processId: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
