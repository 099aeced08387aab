import cluster, { type Worker } from 'node:cluster'
import { GroupStates, type ProcessState } from './group-states.ts'
import { Restarts, type ProcessEnd } from './restarts.ts'

type Message =
  | { readonly kind: 'ask'; readonly id: number }
  | { readonly kind: 'collect'; readonly id: number }
  | { readonly kind: 'state'; readonly id: number; readonly state: ProcessState }
  | { readonly kind: 'sum'; readonly id: number; readonly state: ProcessState }
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'end' }

/** How long a process may take to tell its state; one that does not counts with what it told before. */
const stateMilliseconds = 1000
/** How long the first process may take to tell the sum: as long as Prometheus waits for a scrape. */
const sumMilliseconds = 10_000

export interface ProcessGroup {
  /** The port that all listen on. */
  readonly port: number
  /** Tells all to end, and resolves when all have. */
  close(): Promise<void>
  /** Resolves, with the end of the last one, when none listens and none can be started any more. */
  readonly failed: Promise<ProcessEnd>
  /** Ends all at once. */
  kill(): void
}

export interface GroupOptions {
  readonly count: number
  /** Of each process's command line, which other users of the machine see: no secret. */
  readonly args: readonly string[]
  /** What each has in its environment beyond this one's. An empty value takes a variable away. */
  readonly env: Readonly<Record<string, string>>
  /** What this process has counted. */
  readonly own: () => Promise<ProcessState>
  /** Told when a process has ended by itself; another one is started in its place. */
  readonly onExit: (end: ProcessEnd) => void
}

/**
 * Starts processes that run this program again and share one port. Resolves when all of them listen.
 * @throws Error when one ends before it listens
 */
export async function startProcesses({ count, args, env, own, onExit }: GroupOptions): Promise<ProcessGroup> {
  let isClosing = false
  const restarts = new Restarts()
  let isReady = false
  const states = new GroupStates()
  const all = new Set<Worker>()
  const listening = new Set<Worker>()
  // Standard output is this process's alone: what others say of an end that comes too early is no part of its result.
  cluster.setupPrimary({ args: [...args], stdio: ['ignore', 2, 2, 'ipc'] })
  const start = (failures = 0): Promise<number> =>
    new Promise((resolve, reject) => {
      const worker = cluster.fork(env)
      all.add(worker)
      worker.on('message', (message: Message) => {
        if (message.kind === 'ready') {
          listening.add(worker)
          restarts.listening = listening.size
          resolve(message.port)
        }
        if (message.kind === 'state') states.tell(worker.id, message.state)
        if (message.kind === 'ask') void answerAsked(worker, message.id, async () => states.sumWith(await own()))
      })
      worker.once('exit', (code: number | null, signal: NodeJS.Signals | null) => {
        const end = { code, signal }
        states.end(worker.id)
        all.delete(worker)
        const isListening = listening.delete(worker)
        restarts.listening = listening.size
        reject(new Error(`a process ended with ${code ?? signal} before it listened`))
        if (isClosing || !isReady) return
        onExit(end)
        const failed = isListening ? 0 : failures + 1
        restarts.next(end, failed, () => {
          // Its own end is told by the same way.
          if (!isClosing) start(failed).catch(() => undefined)
        })
      })
    })
  async function close(): Promise<void> {
    isClosing = true
    const ended = allEnded(all)
    for (const worker of all) {
      if (listening.has(worker)) takeOut(worker)
      else worker.process.kill('SIGTERM')
    }
    await ended
  }
  const kill = () => {
    isClosing = true
    for (const worker of all) worker.process.kill('SIGKILL')
  }
  try {
    const [port = 0] = await Promise.all(Array.from({ length: count }, start))
    isReady = true
    return { port, close, failed: restarts.failed, kill }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** Resolves when every process has ended. */
async function allEnded(workers: ReadonlySet<Worker>): Promise<void> {
  await Promise.all(
    [...workers].map(
      (worker) =>
        new Promise<void>((resolve) => {
          if (worker.isDead()) resolve()
          else worker.once('exit', () => resolve())
        }),
    ),
  )
}

/**
 * Takes a process out of the group before it is told to end: this process hands it no more connections, and it answers those
 * that are on their way to it. Told by a signal, it would give them back to a group of which none may listen any more, and
 * nobody would ever answer them.
 */
function takeOut(worker: Worker): void {
  worker.disconnect()
  sendTo(worker, { kind: 'end' })
}

/** A process that is scraped asks for the sum of all: this one asks each. */
async function answerAsked(asking: Worker, id: number, sum: () => Promise<ProcessState>): Promise<void> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
  await Promise.all(workers.map((worker) => told(worker, id)))
  const message: Message = { kind: 'sum', id, state: await sum() }
  sendTo(asking, message)
}

/** Resolves when the process has told its state, has ended, or takes too long. */
function told(worker: Worker, id: number): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      clearTimeout(timer)
      worker.off('message', listen)
      worker.off('exit', settle)
      resolve()
    }
    const listen = (message: Message) => {
      if (message.kind === 'state' && message.id === id) settle()
    }
    const timer = setTimeout(settle, stateMilliseconds)
    worker.on('message', listen)
    worker.once('exit', settle)
    sendTo(worker, { kind: 'collect', id })
  })
}

/** One that ends meanwhile gets nothing: with a callback, that is no error of this process. */
function sendTo(worker: Worker, message: Message): void {
  if (worker.isConnected()) worker.send(message, () => undefined)
}

/** Whether this process is one of a group's. */
export function isGroupMember(): boolean {
  return cluster.isWorker
}

export interface Membership {
  /**
   * What all processes of the group have counted, the first one and those that ended included.
   * @throws Error when the first one does not tell: without the others, counters would fall
   */
  sum(): Promise<ProcessState>
}

function send(message: Message): void {
  process.send?.(message)
}

let asked = 0

/** Says that this process listens, and answers the group's questions from here on. */
export function joinGroup(port: number, own: () => Promise<ProcessState>, onEnd: () => void): Membership {
  const waiting = new Map<number, (state: ProcessState) => void>()
  process.on('message', (message: Message) => {
    if (message.kind === 'end') onEnd()
    if (message.kind === 'sum') waiting.get(message.id)?.(message.state)
    if (message.kind === 'collect') {
      void own().then((state) => send({ kind: 'state', id: message.id, state }))
    }
  })
  send({ kind: 'ready', port })
  const ask = () => {
    asked += 1
    // Of several processes that ask at once no two have the same.
    const id = asked * 10_000_000 + process.pid
    return new Promise<ProcessState>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(new Error('the first process did not tell what the others have counted'))
      }, sumMilliseconds)
      waiting.set(id, (state) => {
        clearTimeout(timer)
        waiting.delete(id)
        resolve(state)
      })
      send({ kind: 'ask', id })
    })
  }
  let underWay: Promise<ProcessState> | undefined
  return {
    // A scrape asks for the counts and for the pools at once: one answer has both.
    sum: () =>
      (underWay ??= ask().finally(() => {
        underWay = undefined
      })),
  }
}
