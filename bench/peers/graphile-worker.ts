import pg from 'pg'
import type { Engine, QueueWork } from './engine.ts'
import { importPeer, versionOf } from './install.ts'

interface GraphileWorker {
  run(options: {
    readonly pgPool: pg.Pool
    readonly concurrency: number
    readonly noHandleSignals: boolean
    readonly taskList: Readonly<Record<string, () => Promise<void>>>
    readonly logger: unknown
  }): Promise<{ stop(): Promise<void> }>
  runMigrations(options: { readonly pgPool: pg.Pool; readonly logger: unknown }): Promise<void>
  readonly Logger: new (make: () => () => void) => unknown
}

/** It hands jobs to tasks and takes each away when its task is done: taking one is both of these statements. */
export async function openGraphileWorker(url: string): Promise<Engine> {
  const graphile = await importPeer<GraphileWorker>('graphile-worker')
  const pgPool = new pg.Pool({ connectionString: url, max: 15 })
  pgPool.on('error', () => undefined)
  pgPool.on('connect', (client) => client.on('error', () => undefined))
  const logger = new graphile.Logger(() => () => undefined)
  await graphile.runMigrations({ pgPool, logger })

  async function takeJobs({ workers, queued, seconds, onFilled }: QueueWork) {
    await pgPool.query('delete from graphile_worker._private_jobs')
    await pgPool.query(`select graphile_worker.add_job('bench', '{}'::json) from generate_series(1, $1)`, [queued])
    let taken = 0
    const { promise: isEmpty, resolve } = Promise.withResolvers<void>()
    const bench = () => {
      taken += 1
      if (taken === queued) resolve()
      return Promise.resolve()
    }
    onFilled?.()
    const startedAt = performance.now()
    const timer = setTimeout(resolve, seconds * 1000)
    const runner = await graphile.run({
      pgPool,
      concurrency: workers,
      noHandleSignals: true,
      taskList: { bench },
      logger,
    })
    await isEmpty
    clearTimeout(timer)
    const result = { taken, seconds: (performance.now() - startedAt) / 1000 }
    await runner.stop()
    return result
  }

  return { name: `graphile-worker ${versionOf('graphile-worker')}`, takeJobs, close: () => pgPool.end() }
}
