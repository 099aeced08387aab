import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { expect, onTestFinished, test, vi } from 'vitest'
import { documentOf, emptyDirectory, millrace, startMillrace, urlOf, type Running } from '../cli/millrace.ts'
import { describeDialectsInTurn, type DialectName, type TestDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { json, register } from './accounts.ts'
import { startS3 } from './s3.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const patience = { timeout: 60_000, interval: 50 }
const secrets = newServiceSecrets()

interface Serving {
  readonly running: Running
  readonly url: string
  readonly database: TestDatabase
}

/** Serves while a backup is under way whose bucket takes a part and never says so. */
async function serveDuringBackup(dialect: DialectName, options: readonly string[]): Promise<Serving> {
  const database = await migratedDatabase(dialect)
  onTestFinished(() => database.drop())
  const s3 = await startS3(['PUT', 'DELETE'])
  onTestFinished(() => s3.stop())
  const running = startMillrace(['serve', '--port', '0', '--json', ...options], {
    cwd: emptyDirectory(),
    env: {
      DATABASE_URL: database.url,
      ...secrets,
      BCRYPT_COST: '4',
      BACKUP_TO: 's3://backups',
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'hush',
      AWS_ENDPOINT_URL_S3: s3.url,
    },
  })
  const url = await urlOf(running)
  const accessToken = await register(url, 'ada')
  await database.query(`update users set role = 'admin'`)
  const asked = await fetch(`${url}/v1/admin/backups`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${accessToken}` },
  })
  expect(asked.status).toBe(202)
  await vi.waitFor(() => expect(s3.hanging).toContain('PUT'), patience)
  return { running, url, database }
}

const isRefused = async (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`, { headers: { Connection: 'close' } }).then(
    () => false,
    (thrown: unknown) => thrown instanceof Error && JSON.stringify(thrown.cause).includes('ECONNREFUSED'),
  )

describeDialectsInTurn((dialect) => {
  test.each([['1'], ['2']])(
    'of %s processes, the listener closes while a backup still ends, and a second signal ends all at once',
    async (processes) => {
      const { running, url } = await serveDuringBackup(dialect, ['--grace', '600', '--processes', processes])
      running.process.kill('SIGTERM')
      await vi.waitFor(async () => expect(await isRefused(url)).toBe(true), patience)
      expect(running.process.exitCode).toBeNull()
      const again = setInterval(() => running.process.kill('SIGTERM'), 100)
      expect((await running.ended).exitCode).toBe(143)
      clearInterval(again)
    },
  )

  test('a bucket that hangs keeps it no longer than --grace, and the backup is left to the next run', async () => {
    const { running, database } = await serveDuringBackup(dialect, ['--grace', '2'])
    running.process.kill('SIGTERM')
    expect((await running.ended).exitCode).toBe(143)
    expect(await database.query('select result from backups')).toEqual([{ result: 'requested' }])
    const [mark] = await database.query(`select value from marks where name = 'backup'`)
    expect(JSON.parse(String(mark?.['value']))).toMatchObject({ isTrial: true })
  })
})

describeDialectsInTurn((dialect) => {
  test('event streams end when it is told to end, and keep nothing waiting', async () => {
    const database = await migratedDatabase(dialect)
    onTestFinished(() => database.drop())
    const running = startMillrace(['serve', '--port', '0', '--json', '--grace', '600'], {
      cwd: emptyDirectory(),
      env: { DATABASE_URL: database.url, ...secrets, BCRYPT_COST: '4' },
    })
    const url = await urlOf(running)
    const headers = { ...json, Authorization: `Bearer ${await register(url, 'ada')}` }
    const create = async (path: string, body: string): Promise<string> => {
      const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body })
      expect(answer.status).toBe(201)
      return ((await answer.json()) as { id: string }).id
    }
    const workflowId = await create('/v1/workflows', '{"name":"one","definition":{}}')
    const id = await create(`/v1/workflows/${workflowId}/executions`, '{}')
    const stream = await fetch(`${url}/v1/executions/${id}/events`, { headers })
    running.process.kill('SIGTERM')
    // To its end, without an error: `Last-Event-ID` takes it up again.
    expect(await stream.text()).toMatch(/^id: 1\nevent: created\n/)
    expect((await running.ended).exitCode).toBe(143)
  })
})

test('it does not start with a folder for backups into which nothing can be written', async () => {
  const cwd = emptyDirectory()
  writeFileSync(join(cwd, 'file'), '')
  const env = { ...secrets, BACKUP_TO: `file://${join(cwd, 'file/backups')}` }
  const refused = await millrace(['serve', '--migrate', '--port', '0', '--json'], { cwd, env })
  expect(refused.exitCode).toBe(2)
  const error = { code: 'settings_invalid', why: expect.stringMatching(/BACKUP_TO: .*EEXIST/) }
  expect(documentOf(refused)).toMatchObject({ error })
})
