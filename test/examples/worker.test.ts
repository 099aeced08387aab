import { join } from 'node:path'
import { createClient } from '@millrace/client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { emptyDirectory, millrace, start } from '../cli/millrace.ts'
import { describeDialects } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'

// Three processes, and a lease of five seconds that has to run out.
vi.setConfig({ testTimeout: 120_000 })

const example = join(workspaceRoot, 'examples/worker')

interface Summary {
  readonly isGood: boolean
  readonly held: readonly string[]
  readonly executions: readonly {
    readonly id: string
    readonly workflowName: string
    readonly status: string
    readonly attempts: number
    readonly fence: number
    readonly faults: readonly string[]
  }[]
}

describeDialects((dialect) => {
  let service: Service

  beforeAll(async () => {
    service = await startService(dialect, { workers: 2 })
  })
  afterAll(() => service.stop())

  test('imported workflows are run to their end, each once, though a worker is killed with -9', async () => {
    const [url = ''] = service.urls
    const client = createClient({ url })
    const { id: userId } = await client.auth.register({
      username: 'ada',
      email: 'ada@example.com',
      password: 'correct horse battery',
    })
    const cwd = emptyDirectory()
    const env = { DATABASE_URL: service.database.url }
    const imported = await millrace(['import', join(example, 'flows'), '--owner', 'ada'], { cwd, env })
    expect([imported.exitCode, imported.stdout]).toEqual([0, expect.stringContaining('Imported 2 workflows')])
    const { key } = await client.apiKeys.create({ name: 'example', scopes: ['read', 'write', 'worker'] })

    const run = start(process.execPath, [join(example, 'src/main.ts'), '--url', url, '--json'], {
      cwd,
      env: { MILLRACE_API_KEY: key ?? '' },
    })
    const { exitCode, stdout, stderr } = await run.ended
    expect([exitCode, stderr]).toEqual([0, ''])
    const { held, executions } = JSON.parse(stdout) as Summary
    expect(executions).toHaveLength(12)
    expect(executions.flatMap(({ faults }) => faults)).toEqual([])
    expect(new Set(executions.map(({ status }) => status))).toEqual(new Set(['completed']))
    expect(new Set(executions.map(({ workflowName }) => workflowName))).toEqual(
      new Set(['Nightly report', 'Support triage']),
    )
    const takenOver = executions.filter(({ attempts }) => attempts === 2)
    expect(takenOver.length).toBeGreaterThan(0)
    expect(held).toEqual(expect.arrayContaining(takenOver.map(({ id }) => id)))

    const counted = await service.database.query(
      `select id, attempts, fence from executions where status = 'completed' and user_id = '${userId}'`,
    )
    const counts = new Map(counted.map((row) => [row['id'], [Number(row['attempts']), Number(row['fence'])]]))
    expect(counts).toEqual(new Map(executions.map(({ id, attempts, fence }) => [id, [attempts, fence]])))
  })
})
