import type { Engine, QueueWork } from './engine.ts'
import { importPeer, versionOf } from './install.ts'

interface PgBoss {
  start(): Promise<unknown>
  stop(options: { readonly graceful: boolean }): Promise<void>
  on(event: 'error', listener: () => void): void
  createQueue(name: string): Promise<void>
  insert(name: string, jobs: readonly { readonly data: object }[]): Promise<unknown>
  fetch(name: string, options: { readonly batchSize: number }): Promise<readonly { readonly id: string }[]>
}

/** By its own `fetch`, which takes a job and leaves it active. */
export async function openPgBoss(url: string): Promise<Engine> {
  const { PgBoss: Boss } = await importPeer<{
    readonly PgBoss: new (options: { readonly connectionString: string; readonly max: number }) => PgBoss
  }>('pg-boss')
  const boss = new Boss({ connectionString: url, max: 15 })
  boss.on('error', () => undefined)
  await boss.start()
  let queues = 0

  async function takeJobs({ workers, queued, seconds, onFilled }: QueueWork) {
    queues += 1
    const queue = `bench-${queues}`
    await boss.createQueue(queue)
    for (let left = queued; left > 0; left -= 1000) {
      await boss.insert(
        queue,
        Array.from({ length: Math.min(left, 1000) }, () => ({ data: {} })),
      )
    }
    onFilled?.()
    const seen = new Set<string>()
    const startedAt = performance.now()
    const until = startedAt + seconds * 1000
    const worker = async () => {
      while (performance.now() < until) {
        const [job] = await boss.fetch(queue, { batchSize: 1 })
        if (job === undefined && seen.size >= queued) return
        if (job !== undefined) seen.add(job.id)
      }
    }
    await Promise.all(Array.from({ length: workers }, worker))
    return { taken: seen.size, seconds: (performance.now() - startedAt) / 1000 }
  }

  return { name: `pg-boss ${versionOf('pg-boss')}`, takeJobs, close: () => boss.stop({ graceful: false }) }
}
