import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { describeDialectsInTurn, freshDatabase } from '../dialects.ts'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { documentOf, emptyDirectory, millrace, startMillrace, urlOf } from '../cli/millrace.ts'
import { json, register } from './accounts.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const patience = { timeout: 60_000, interval: 50 }
const secrets = newServiceSecrets()

describeDialectsInTurn((dialect) => {
  test('it migrates, serves the API, its docs and its console, and ends on SIGTERM', async () => {
    const database = await freshDatabase(dialect)
    const running = startMillrace(['serve', '--migrate', '--port', '0', '--json'], {
      cwd: emptyDirectory(),
      env: { DATABASE_URL: database.url, ...secrets, BCRYPT_COST: '4' },
    })
    const url = await urlOf(running)
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ready', dialect })
    for (const path of ['/docs', '/openapi.json', '/console']) expect((await fetch(`${url}${path}`)).status).toBe(200)
    const token = await register(url, 'ada')
    const created = await fetch(`${url}/v1/workflows`, {
      method: 'POST',
      headers: { ...json, Authorization: `Bearer ${token}` },
      body: '{"name":"one","definition":{"n":1.0}}',
    })
    expect(created.status).toBe(201)
    expect(await created.text()).toContain('{"n":1.0}')
    running.process.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ exitCode: 143, stdout: `${JSON.stringify({ url })}\n` })
    await database.drop()
  })

  test('it does not start without its migrations, nor without its keys, and says both at once', async () => {
    const database = await freshDatabase(dialect)
    const cwd = emptyDirectory()
    const env = { DATABASE_URL: database.url }
    const outdated = await millrace(['serve', '--port', '0', '--json'], { cwd, env: { ...env, ...secrets } })
    expect(outdated.exitCode).toBe(1)
    expect(documentOf(outdated)).toMatchObject({ error: { code: 'database_schema_outdated' } })
    const bare = await millrace(['serve', '--port', '0', '--json'], {
      cwd,
      env: { ...env, BACKUP_TO: 's3://bucket', LOG_LEVEL: 'loud' },
    })
    expect(bare.exitCode).toBe(2)
    const { error } = documentOf(bare) as { error: { code: string; what: string; why: string } }
    expect(error.code).toBe('settings_invalid')
    for (const name of ['AUTH_KEYS', 'LOG_LEVEL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'DATABASE_URL']) {
      expect(error.what).toContain(name)
    }
    expect(error.why).toContain('0001_initial')
    await database.drop()
  })

  test('it does not start while a restore is under way', async () => {
    const database = await freshDatabase(dialect)
    const env = { DATABASE_URL: database.url, ...secrets }
    expect(await millrace(['migrate'], { cwd: emptyDirectory(), env })).toMatchObject({ exitCode: 0 })
    await database.query("update marks set value = '{}' where name = 'restore'")
    const refused = await millrace(['serve', '--port', '0', '--json'], { cwd: emptyDirectory(), env })
    expect(refused.exitCode).toBe(1)
    expect(documentOf(refused)).toMatchObject({ error: { code: 'restore_in_progress' } })
    await database.drop()
  })

  test('several processes share a port, and the metrics are of all', async () => {
    const database = await freshDatabase(dialect)
    const running = startMillrace(['serve', '--migrate', '--processes', '2', '--port', '0', '--json'], {
      cwd: emptyDirectory(),
      env: { DATABASE_URL: database.url, ...secrets, BCRYPT_COST: '4' },
    })
    const url = await urlOf(running)
    const asked = 40
    // A connection of its own for each, so that both processes have some.
    for (let n = 0; n < asked; n += 1) {
      expect((await fetch(`${url}/healthz`, { headers: { Connection: 'close' } })).status).toBe(200)
    }
    const scrape = async () => {
      const headers = { Authorization: `Bearer ${secrets.METRICS_TOKEN}`, Connection: 'close' }
      return (await fetch(`${url}/metrics`, { headers })).text()
    }
    const counted = /millrace_requests_total\{route="\/healthz",method="GET",status="200"\} (\d+)/.exec(
      await scrape(),
    )?.[1]
    expect(counted).toBe(String(asked))
    running.process.kill('SIGINT')
    expect((await running.ended).exitCode).toBe(130)
    await database.drop()
  })

  test('what is under way when it is told to end is answered', async () => {
    const database = await freshDatabase(dialect)
    const running = startMillrace(['serve', '--migrate', '--port', '0', '--json'], {
      cwd: emptyDirectory(),
      env: { DATABASE_URL: database.url, ...secrets, BCRYPT_COST: '4' },
    })
    const url = await urlOf(running)
    const body = '{"username":"grace","email":"grace@example.com","password":"correct horse battery"}'
    const headers = { ...json, 'Content-Length': body.length, Expect: '100-continue' }
    const underWay = request(`${url}/v1/auth/register`, { method: 'POST', headers })
    underWay.flushHeaders()
    // The server has it, and waits for its body.
    await once(underWay, 'continue')
    running.process.kill('SIGTERM')
    await vi.waitFor(
      () => expect(fetch(`${url}/healthz`, { headers: { Connection: 'close' } })).rejects.toThrow(),
      patience,
    )
    underWay.end(body)
    const [answer] = (await once(underWay, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(201)
    answer.resume()
    expect((await running.ended).exitCode).toBe(143)
    await database.drop()
  })
})

test('a replica that is a SQLite file which is not there is refused, and not made', async () => {
  const cwd = emptyDirectory()
  const env = { ...secrets, DATABASE_READ_URL: 'sqlite:///./replica.db' }
  const refused = await millrace(['serve', '--migrate', '--port', '0', '--json'], { cwd, env })
  expect(refused.exitCode).toBe(2)
  expect(documentOf(refused)).toMatchObject({
    error: { code: 'settings_invalid', why: expect.stringContaining('DATABASE_READ_URL') },
  })
  expect(readdirSync(cwd)).toEqual([])
})

test('a folder for backups is made at the start, for its owner only, and nothing stands in it before there is one', async () => {
  const cwd = emptyDirectory()
  const running = startMillrace(['serve', '--migrate', '--port', '0', '--json'], {
    cwd,
    env: { ...secrets, BACKUP_TO: `file://${join(cwd, 'backups')}` },
  })
  await urlOf(running)
  expect(readdirSync(join(cwd, 'backups'))).toEqual([])
  expect(statSync(join(cwd, 'backups')).mode & 0o777).toBe(0o700)
  running.process.kill('SIGTERM')
  await running.ended
})
