import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A line of a worker's log. */
export interface WorkerLine {
  readonly kind: string
  readonly id?: string
  readonly fence?: number
  readonly status?: string
}

export interface WorkerProcess {
  readonly name: string
  readonly lines: readonly WorkerLine[]
  /** Sends the signal and gives the exit code, null where the signal ended it, when the process is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
}

interface WorkerOptions {
  readonly url: string
  readonly name: string
  readonly apiKey: string
  readonly leaseSeconds: number
  readonly stepMilliseconds: number
}

/** Starts `worker.ts` as a process of its own. */
export function startWorker({ url, name, apiKey, leaseSeconds, stepMilliseconds }: WorkerOptions): WorkerProcess {
  const settings = ['--lease-seconds', String(leaseSeconds), '--step-milliseconds', String(stepMilliseconds)]
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'worker.ts'), '--url', url, '--name', name, ...settings],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, MILLRACE_API_KEY: apiKey } },
  )
  const lines: WorkerLine[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(parse(line)))
  const closed = once(child, 'close')
  return {
    name,
    lines,
    async end(signal) {
      child.kill(signal)
      await closed
      return child.exitCode
    },
  }
}

function parse(line: string): WorkerLine {
  const parsed: unknown = JSON.parse(line)
  return typeof parsed === 'object' && parsed !== null && 'kind' in parsed && typeof parsed.kind === 'string'
    ? { ...parsed, kind: parsed.kind }
    : { kind: line }
}
