import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A gateway in a process of its own, that may be killed. */
export interface ForkedGateway {
  readonly url: string
  readonly port: number
  /** By SIGKILL, with all that it is doing; resolves when it is gone. */
  kill(): Promise<void>
}

export async function forkGateway(databaseUrl: string): Promise<ForkedGateway> {
  const child = fork(join(import.meta.dirname, 'gateway.ts'), {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    // Not the test runner's: its loader has no place in another process.
    execArgv: [],
  })
  const [url]: readonly unknown[] = await (Promise.race([once(child, 'message'), once(child, 'exit')]) as Promise<
    unknown[]
  >)
  if (typeof url !== 'string') throw new Error(`a gateway ended with ${String(url)} before it listened`)
  return {
    url,
    port: Number(new URL(url).port),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
