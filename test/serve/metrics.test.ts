import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { writeFamilies } from '@millrace/api/metrics/families'
import { parseSettings } from '@millrace/api/settings'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { openService } from '@millrace/server/service'
import { expect, onTestFinished, test, vi } from 'vitest'
import { emptyDirectory, startMillrace, urlOf } from '../cli/millrace.ts'
import { describeDialectsInTurn, freshDatabase } from '../dialects.ts'

vi.setConfig({ testTimeout: 120_000 })

const patience = { timeout: 60_000, interval: 50 }
const secrets = newServiceSecrets()

interface Entry {
  readonly processId: number
  readonly command: string
}

/** What everybody on the machine sees of a process's children. */
async function childrenOf(parent: number | undefined): Promise<readonly Entry[]> {
  const { stdout } = await promisify(execFile)('ps', ['-Aww', '-o', 'pid=,ppid=,command='])
  return stdout.split('\n').flatMap((line) => {
    const [, id, parentId, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return Number(parentId) === parent ? [{ processId: Number(id), command }] : []
  })
}

const countOf = (text: string, name: string) => {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

const healthRequests = 'millrace_requests_total{route="/healthz",method="GET",status="200"}'

describeDialectsInTurn((dialect) => {
  test('round trips of jobs, which no request counts, are counted', async () => {
    const database = await freshDatabase(dialect)
    const parsed = parseSettings({ ...secrets, DATABASE_URL: database.url }, { needsGateway: false })
    if (!parsed.ok) throw new Error('the settings are refused')
    const { settings } = parsed
    const service = await openService({ settings, log: () => undefined, onConnection: () => undefined })
    const trips = async () =>
      countOf(writeFamilies(await service.metrics.collect()), 'millrace_database_trip_duration_seconds_count')
    expect(await trips()).toBe(0)
    await service.database.transport().run({ text: 'select 1', parameters: [] })
    expect(await trips()).toBe(1)
    await service.close()
    await database.drop()
  })

  async function startedGroup() {
    const database = await freshDatabase(dialect)
    const url = new URL(database.url)
    url.searchParams.set('pool_size', '2')
    const args = ['serve', '--migrate', '--processes', '2', '--port', '0', '--json', '--database', url.href]
    const running = startMillrace(args, { cwd: emptyDirectory(), env: { ...secrets } })
    onTestFinished(async () => {
      running.process.kill('SIGTERM')
      await running.ended
      await database.drop()
    })
    const served = await urlOf(running)
    /** Over a connection of its own, so that any process may have it. */
    const get = async (path: string) => {
      const headers = { Authorization: `Bearer ${secrets.METRICS_TOKEN}`, Connection: 'close' }
      const answer = await fetch(`${served}${path}`, { headers })
      expect(answer.status).toBe(200)
      return answer.text()
    }
    return { running, get, scrape: () => get('/metrics'), members: () => childrenOf(running.process.pid), url }
  }

  test('counters of a group never fall: not when a member is killed, nor while one does not answer', async () => {
    const { get, scrape, members } = await startedGroup()
    const asked = 20
    for (let n = 0; n < asked; n += 1) await get('/healthz')
    expect(countOf(await scrape(), healthRequests)).toBe(asked)

    const [killed] = await members()
    if (killed === undefined) throw new Error('it has no members')
    process.kill(killed.processId, 'SIGKILL')
    await vi.waitFor(async () => {
      const ids = (await members()).map(({ processId }) => processId)
      expect(ids).toHaveLength(2)
      expect(ids).not.toContain(killed.processId)
    }, patience)
    expect(countOf(await scrape(), healthRequests)).toBe(asked)

    const stopped = (await members())[0]?.processId ?? 0
    process.kill(stopped, 'SIGSTOP')
    try {
      // One of them may wait in the member that is stopped.
      const counted = [scrape(), scrape(), scrape()].map(async (text) => countOf(await text, healthRequests))
      expect(await Promise.any(counted)).toBe(asked)
      process.kill(stopped, 'SIGCONT')
      expect(await Promise.all(counted)).toEqual([asked, asked, asked])
    } finally {
      process.kill(stopped, 'SIGCONT')
    }
  })

  test('the pools of all are counted, that of the first process too, and no command line has the password', async () => {
    const { scrape, members, url } = await startedGroup()
    const size = countOf(await scrape(), 'millrace_gateway_pool_size')
    // Two of each member and one of the first process, which runs the jobs.
    expect(size).toBe(dialect === 'sqlite' ? undefined : 5)
    const commands = (await members()).map(({ command }) => command)
    expect(commands).toHaveLength(2)
    for (const command of commands) {
      expect(command).toContain('serve')
      expect(command).not.toContain(url.protocol)
      if (url.password !== '') expect(command).not.toContain(url.password)
    }
  })
})
