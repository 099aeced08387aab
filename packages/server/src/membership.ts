import cluster from 'node:cluster'
import type { FromMember, Others, ToMember } from './group-messages.ts'
import { addStates, answeredFamilies, type Answered, type ProcessState } from './group-states.ts'

/** How long the first process may take to tell what the others have counted: it waits a second for each itself. */
const othersMilliseconds = 2500
/** How long the first process may take to hand this one no more connections. */
const leaveMilliseconds = 1000

/** Whether this process is one of a group's. */
export function isGroupMember(): boolean {
  return cluster.isWorker
}

export interface Membership {
  /** To be called when this process listens. */
  ready(port: number): void
  /**
   * What all processes of the group have counted, the first one and those that ended included. One that does not answer
   * counts with what it told before, and counters never fall.
   */
  sum(): Promise<ProcessState>
  /**
   * Resolves when the first process hands this one no more connections, is gone, or does not answer. Without, connections
   * that are on their way here would be given back to a group of which none may listen any more, and nobody would ever
   * answer them.
   */
  leave(): Promise<void>
}

export interface MemberOptions {
  /** How many there are, the first one included. */
  readonly processes: number
  /** What this process has counted. */
  readonly own: () => Promise<ProcessState>
  /** Told when the first process says so, or is gone. */
  readonly onEnd: () => void
  /** Told when not all processes told what they have counted. */
  readonly onSilence: (answered: Answered) => void
}

const nobody: Others = { state: { families: [], pool: undefined }, answered: 0 }

/** What the first process tells of the others. */
class ToldOthers {
  /** What it told last. */
  #known = nobody
  /** What it was asked and has not answered: it is not asked again, since it may not answer for long. */
  #asked: PromiseWithResolvers<Others> | undefined

  note({ others, isAnswer }: ToMember & { readonly kind: 'others' }): void {
    this.#known = { ...others, answered: 0 }
    if (isAnswer) this.#settle(others)
  }

  /** The first process is gone, or tells this one no more. */
  end(): void {
    this.#settle(this.#known)
  }

  /** What they have counted now; where the first process does not answer, what it told last. */
  async now(own: ProcessState): Promise<Others> {
    if (this.#asked === undefined) {
      if (!send({ kind: 'ask', state: own })) return this.#known
      this.#asked = Promise.withResolvers()
    }
    const late = Promise.withResolvers<Others>()
    const timer = setTimeout(() => late.resolve(this.#known), othersMilliseconds)
    const others = await Promise.race([this.#asked.promise, late.promise])
    clearTimeout(timer)
    return others
  }

  #settle(others: Others): void {
    this.#asked?.resolve(others)
    this.#asked = undefined
  }
}

/** Makes this process a member of the group that started it. */
export function joinGroup({ processes, own, onEnd, onSilence }: MemberOptions): Membership {
  const told = new ToldOthers()
  const leaving = Promise.withResolvers<void>()
  const end = () => {
    leaving.resolve()
    onEnd()
  }
  process.on('message', (message: ToMember) => {
    if (message.kind === 'collect') void own().then((state) => send({ kind: 'state', id: message.id, state }))
    if (message.kind === 'others') told.note(message)
    if (message.kind === 'end') end()
  })
  cluster.worker?.once('disconnect', () => {
    outliveFirst()
    told.end()
    end()
  })
  async function sum(): Promise<ProcessState> {
    const state = await own()
    const others = await told.now(state)
    const answered: Answered = { processes, answered: others.answered + 1 }
    if (answered.answered < processes) onSilence(answered)
    const { families, pool } = addStates([state, others.state])
    return { families: [...families, ...answeredFamilies(answered)], pool }
  }
  let underWay: Promise<ProcessState> | undefined
  return {
    ready: (port) => {
      send({ kind: 'ready', port })
    },
    // A scrape asks for the counts and for the pools at once: one answer has both.
    sum: () =>
      (underWay ??= sum().finally(() => {
        underWay = undefined
      })),
    async leave() {
      const timer = setTimeout(leaving.resolve, leaveMilliseconds)
      if (!send({ kind: 'leave', state: await own() })) leaving.resolve()
      await leaving.promise
      clearTimeout(timer)
    },
  }
}

/** Node ends a member at once when its first process is gone, with all that it is answering, unless it was to be so. */
function outliveFirst(): void {
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
}

/** @returns whether it is on its way: not where the first process has taken this one out, or is gone */
function send(message: FromMember): boolean {
  if (process.send === undefined || !process.connected) return false
  // With a callback, a first process that goes away meanwhile is no error of this one.
  process.send(message, undefined, undefined, () => undefined)
  return true
}
