import cluster, { type Worker } from 'node:cluster'
import type { Family, Sample } from '@millrace/api/metrics/families'
import type { PoolStatus } from '@millrace/db/sql/transport'

/** What one process has counted, and how full its pool is. */
export interface ProcessState {
  readonly families: readonly Family[]
  readonly pool: PoolStatus | undefined
}

type Message =
  | { readonly kind: 'ask'; readonly id: number }
  | { readonly kind: 'collect'; readonly id: number }
  | { readonly kind: 'state'; readonly id: number; readonly state: ProcessState }
  | { readonly kind: 'states'; readonly id: number; readonly states: readonly ProcessState[] }
  | { readonly kind: 'ready'; readonly port: number }

/** How long a process may take to tell its state; one that does not is left out of that answer. */
const stateMilliseconds = 1000
const restartMilliseconds = 1000

export interface ProcessGroup {
  /** The port that all listen on. */
  readonly port: number
  /** Tells all to end, and resolves when all have. */
  close(): Promise<void>
}

export interface GroupOptions {
  readonly count: number
  /** Told when a process has ended by itself; another one is started in its place. */
  readonly onExit: (code: number) => void
}

/**
 * Starts processes that run this program again and share one port. Resolves when all of them listen.
 * @throws Error when one ends before it listens
 */
export async function startProcesses({ count, onExit }: GroupOptions): Promise<ProcessGroup> {
  let isClosing = false
  let isReady = false
  // Standard output is this process's alone: what others say of an end that comes too early is no part of its result.
  cluster.setupPrimary({ stdio: ['ignore', 2, 2, 'ipc'] })
  const start = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const worker = cluster.fork()
      worker.on('message', (message: Message) => {
        if (message.kind === 'ready') resolve(message.port)
        if (message.kind === 'ask') void answerAsked(worker, message.id)
      })
      worker.once('exit', (code) => {
        reject(new Error(`a process ended with ${code} before it listened`))
        if (isClosing || !isReady) return
        onExit(code)
        setTimeout(() => {
          // Its own end is told by the same way.
          if (!isClosing) start().catch(() => undefined)
        }, restartMilliseconds).unref()
      })
    })
  async function close(): Promise<void> {
    isClosing = true
    const all = allEnded()
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM')
    await all
  }
  try {
    const [port = 0] = await Promise.all(Array.from({ length: count }, start))
    isReady = true
    return { port, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** Resolves when every process has ended. */
async function allEnded(): Promise<void> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve) => {
          if (worker.isDead()) resolve()
          else worker.once('exit', () => resolve())
        }),
    ),
  )
}

/** A process that is scraped asks for all of them: this one asks each. */
async function answerAsked(asking: Worker, id: number): Promise<void> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
  const states = await Promise.all(
    workers.filter((worker) => worker.isConnected()).map((worker) => stateOf(worker, id)),
  )
  const message: Message = { kind: 'states', id, states: states.filter((state) => state !== undefined) }
  if (asking.isConnected()) asking.send(message)
}

function stateOf(worker: Worker, id: number): Promise<ProcessState | undefined> {
  return new Promise((resolve) => {
    const settle = (state: ProcessState | undefined) => {
      clearTimeout(timer)
      worker.off('message', listen)
      resolve(state)
    }
    const listen = (message: Message) => {
      if (message.kind === 'state' && message.id === id) settle(message.state)
    }
    const timer = setTimeout(() => settle(undefined), stateMilliseconds)
    worker.on('message', listen)
    const message: Message = { kind: 'collect', id }
    worker.send(message)
  })
}

/** Whether this process is one of a group's. */
export function isGroupMember(): boolean {
  return cluster.isWorker
}

export interface Membership {
  /** The states of all processes of the group, this one's among them. */
  states(): Promise<readonly ProcessState[]>
}

function send(message: Message): void {
  process.send?.(message)
}

let asked = 0

/** Says that this process listens, and answers the group's questions from here on. */
export function joinGroup(port: number, own: () => Promise<ProcessState>): Membership {
  const waiting = new Map<number, (states: readonly ProcessState[]) => void>()
  process.on('message', (message: Message) => {
    if (message.kind === 'states') waiting.get(message.id)?.(message.states)
    if (message.kind === 'collect') {
      void own().then((state) => send({ kind: 'state', id: message.id, state }))
    }
  })
  send({ kind: 'ready', port })
  return {
    states() {
      asked += 1
      // Of several processes that ask at once no two have the same.
      const id = asked * 100_000 + (process.pid % 100_000)
      return new Promise((resolve) => {
        const settle = (states: readonly ProcessState[]) => {
          clearTimeout(timer)
          waiting.delete(id)
          resolve(states)
        }
        const timer = setTimeout(() => {
          void own().then((state) => settle([state]))
        }, 2 * stateMilliseconds)
        waiting.set(id, settle)
        send({ kind: 'ask', id })
      })
    },
  }
}

/** The counts of several processes as one's: values of the same name and labels are added. */
export function sumFamilies(states: readonly ProcessState[]): readonly Family[] {
  const summed = new Map<string, { readonly family: Family; readonly samples: Map<string, Sample> }>()
  for (const family of states.flatMap(({ families }) => families)) {
    const sum = summed.get(family.name) ?? { family, samples: new Map<string, Sample>() }
    summed.set(family.name, sum)
    for (const sample of family.samples) {
      const key = JSON.stringify([sample.suffix, sample.labels])
      const value = (sum.samples.get(key)?.value ?? 0) + sample.value
      sum.samples.set(key, { ...sample, value })
    }
  }
  return [...summed.values()].map(({ family, samples }) => ({ ...family, samples: [...samples.values()] }))
}

export function sumPools(states: readonly ProcessState[]): PoolStatus | undefined {
  const pools = states.flatMap(({ pool }) => (pool === undefined ? [] : [pool]))
  const [first, ...others] = pools
  if (first === undefined) return undefined
  return others.reduce(
    (sum, pool) => ({
      size: sum.size + pool.size,
      checkedOut: sum.checkedOut + pool.checkedOut,
      overflow: sum.overflow + pool.overflow,
      waiting: sum.waiting + pool.waiting,
    }),
    first,
  )
}
