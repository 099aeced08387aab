import cluster, { type Worker } from 'node:cluster'
import type { FromMember, Others, ToMember } from './group-messages.ts'
import { GroupStates, type ProcessState } from './group-states.ts'
import { Restarts, type ProcessEnd } from './restarts.ts'

/** How long a process may take to tell its state; one that does not counts with what it told before. */
const stateMilliseconds = 1000

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
  const hear = hearerOf({ states, listening, own })
  const start = (failures = 0): Promise<number> =>
    new Promise((resolve, reject) => {
      const worker = cluster.fork(env)
      all.add(worker)
      worker.on('message', (message: FromMember) => {
        if (message.kind === 'ready') {
          listening.add(worker)
          restarts.listening = listening.size
          resolve(message.port)
        }
        hear(worker, message)
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

interface Counted {
  readonly states: GroupStates
  readonly listening: ReadonlySet<Worker>
  readonly own: GroupOptions['own']
}

/** Does what a member asks of this process, and tells the members what the others have counted. */
function hearerOf({ states, listening, own }: Counted) {
  let collections = 0
  async function tell(member: Worker, answered?: number): Promise<void> {
    const others: Others = { state: states.sumWith(await own(), member.id), answered: answered ?? 0 }
    sendTo(member, { kind: 'others', isAnswer: answered !== undefined, others })
  }
  /** A process that is scraped asks for the sum of the others: this one asks each. */
  async function answerAsked(asking: Worker): Promise<void> {
    const others = [...listening].filter((worker) => worker !== asking && worker.isConnected())
    const told = await Promise.all(others.map((worker) => tells(worker, (collections += 1))))
    await tell(asking, 1 + told.filter(Boolean).length)
    // Whichever is asked next, counters never fall, even if this process can't be asked then.
    await Promise.all(others.map((worker) => tell(worker)))
  }
  return (worker: Worker, message: FromMember) => {
    // Should this process not answer one day, each has at least what those that ended have counted.
    if (message.kind === 'ready') void tell(worker)
    if ('state' in message) states.tell(worker.id, message.state)
    if (message.kind === 'ask') void answerAsked(worker)
    if (message.kind === 'leave') takeOut(worker)
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
 * Takes a process out of the group before it ends: this process hands it no more connections, and it answers those that are
 * on their way to it. Told by a signal alone, it would give them back to a group of which none may listen any more, and
 * nobody would ever answer them.
 */
function takeOut(worker: Worker): void {
  if (worker.exitedAfterDisconnect) return
  worker.disconnect()
  sendTo(worker, { kind: 'end' })
}

/** Whether the process has told its state: it may have ended, or take too long. */
function tells(worker: Worker, id: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (hasTold: boolean) => {
      clearTimeout(timer)
      worker.off('message', listen)
      worker.off('exit', end)
      resolve(hasTold)
    }
    const listen = (message: FromMember) => {
      if (message.kind === 'state' && message.id === id) settle(true)
    }
    const end = () => settle(false)
    const timer = setTimeout(end, stateMilliseconds)
    worker.on('message', listen)
    worker.once('exit', end)
    sendTo(worker, { kind: 'collect', id })
  })
}

/** One that ends meanwhile gets nothing: with a callback, that is no error of this process. */
function sendTo(worker: Worker, message: ToMember): void {
  if (worker.isConnected()) worker.send(message, () => undefined)
}
