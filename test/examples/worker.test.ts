import { join } from 'node:path'
import { createClient } from '@millrace/client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { emptyDirectory, start } from '../cli/millrace.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'

// Seventeen processes, and leases of five seconds that have to run out.
vi.setConfig({ testTimeout: 180_000 })

interface Summary {
  readonly isGood: boolean
  readonly killed: number
  readonly orders: readonly {
    readonly id: string
    readonly status: string
    readonly attempts: number
    readonly acts: number
    readonly faults: readonly string[]
  }[]
}

describeDialectsInTurn((dialect) => {
  let service: Service

  beforeAll(async () => {
    service = await startService(dialect, { workers: 2 })
  })
  afterAll(() => service.stop())

  test('orders are worked to their end, each step once, though a worker dies at every point', async () => {
    const [url = ''] = service.urls
    const client = createClient({ url })
    await client.auth.register({ username: 'ada', email: 'ada@example.com', password: 'correct horse battery' })
    const { key } = await client.apiKeys.create({ name: 'example', scopes: ['read', 'write', 'worker'] })

    const run = start(process.execPath, [join(workspaceRoot, 'examples/worker/src/main.ts'), '--url', url, '--json'], {
      cwd: emptyDirectory(),
      env: { MILLRACE_API_KEY: key ?? '' },
    })
    const { exitCode, stdout, stderr } = await run.ended
    expect([exitCode, stderr]).toEqual([0, ''])
    const { killed, orders } = JSON.parse(stdout) as Summary
    expect([killed, orders.length]).toEqual([15, 15])
    expect(orders.flatMap(({ faults }) => faults)).toEqual([])
    // All but the one whose worker died after it had reported the end.
    expect(orders.filter(({ attempts }) => attempts >= 2).length).toBeGreaterThanOrEqual(14)

    const doubled = await service.database.query(
      'select execution_id from execution_history group by execution_id having count(*) <> max(seq)',
    )
    expect(doubled).toEqual([])
  })
})
