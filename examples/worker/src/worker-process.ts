import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface WorkerProcess {
  readonly name: string
  /** Resolves when the process is gone: with its exit code, null where a signal ended it. */
  readonly ended: Promise<number | null>
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
}

interface WorkerOptions {
  readonly url: string
  readonly name: string
  readonly apiKey: string
  readonly workflowIds: readonly string[]
  readonly ledger: string
  readonly leaseSeconds: number
  readonly concurrency: number
  /** Where it kills itself. */
  readonly dieAt?: string | undefined
}

/** Starts `worker.ts` as a process of its own. */
export function startWorker(options: WorkerOptions): WorkerProcess {
  const { url, name, apiKey, workflowIds, ledger, leaseSeconds, concurrency, dieAt } = options
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'worker.ts'),
      ...['--url', url, '--name', name, '--ledger', ledger],
      ...workflowIds.flatMap((id) => ['--workflow', id]),
      ...['--lease-seconds', String(leaseSeconds), '--concurrency', String(concurrency)],
      ...(dieAt === undefined ? [] : ['--die-at', dieAt]),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, MILLRACE_API_KEY: apiKey } },
  )
  const ended = once(child, 'close').then(() => child.exitCode)
  return {
    name,
    ended,
    end(signal) {
      child.kill(signal)
      return ended
    },
  }
}
