import { fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** What the sweeping process is told: what to delete until it is told to end, or nothing is left. */
export type SweepOrder = SweepRun['what'] | 'end'

/** One run of the sweep. */
export interface SweepRun {
  readonly what: 'executions' | 'audit'
  readonly deleted: number
  readonly milliseconds: number
  /** How long each round trip took. */
  readonly trips: readonly number[]
  readonly statements: number
}

export interface Sweeper {
  begin(what: SweepRun['what']): void
  /** Resolves when its run has ended, with all of its runs since it began. */
  end(): Promise<readonly SweepRun[]>
  /** Sweeps for so long, or until nothing is left. */
  sweep(what: SweepRun['what'], mostSeconds: number): Promise<readonly SweepRun[]>
  stop(): void
}

export function startSweeper(url: string): Sweeper {
  const child = fork(join(import.meta.dirname, 'retention-sweep.ts'), { env: { ...process.env, DATABASE_URL: url } })
  let runs: SweepRun[] = []
  child.on('message', (message: SweepRun | 'ended') => {
    if (message !== 'ended') runs.push(message)
  })
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the sweeping process ended with ${code}`)))
  })
  failed.catch(() => undefined)
  const heard = (isMeant: (message: SweepRun | 'ended') => boolean) =>
    Promise.race([
      failed,
      new Promise<void>((resolve) => {
        const listen = (message: SweepRun | 'ended') => {
          if (!isMeant(message)) return
          child.off('message', listen)
          resolve()
        }
        child.on('message', listen)
      }),
    ])
  const begin = (what: SweepRun['what']) => {
    runs = []
    child.send(what)
  }
  const end = async () => {
    const ended = heard((message) => message === 'ended')
    child.send('end')
    await ended
    return runs
  }
  return {
    begin,
    end,
    async sweep(what, mostSeconds) {
      const done = heard((message) => message !== 'ended' && message.deleted === 0)
      begin(what)
      await Promise.race([done, delay(mostSeconds * 1000, undefined, { ref: false })])
      return end()
    },
    stop: () => child.disconnect(),
  }
}
