import { randomUUID } from 'node:crypto'

export interface SessionOptions<S> {
  /** A session unused for so long has ended. */
  readonly idleSeconds: number
  /** A session older than this has ended when its use does; undefined for no limit. */
  readonly maxSeconds?: number | undefined
  /** Undoes what the session left open. Runs once, when it has ended by time or by `closeAll`. */
  readonly onEnd: (session: S, ending: Ending) => Promise<void> | void
}

export type Ending = 'idle' | 'age' | 'closing'

export type Use<S> =
  | { readonly kind: 'session'; readonly session: S; done(outcome: { readonly isOpen: boolean }): void }
  | { readonly kind: 'ended'; readonly ending: Ending; readonly endedAt: Date }
  | { readonly kind: 'unknown' }

interface Open<S> {
  readonly session: S
  readonly startedAtMs: number
  timer: NodeJS.Timeout | undefined
  /** Uses follow each other: the next one waits for this. */
  tail: Promise<void>
  users: number
}

/** How long, and of how many sessions at most, the gateway can say that they ended rather than that it never knew them. */
const rememberedSeconds = 300
const rememberedCount = 1000

/**
 * Interactive sessions by an id that can't be guessed. Between uses a timer runs; when it fires, what the session left
 * open is undone, so that a client that went away holds neither locks nor a connection.
 */
export class Sessions<S> {
  readonly #options: SessionOptions<S>
  readonly #open = new Map<string, Open<S>>()
  readonly #ended = new Map<string, { readonly ending: Ending; readonly endedAt: Date }>()
  readonly #endings = new Set<Promise<void>>()

  constructor(options: SessionOptions<S>) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  /** Starts a session between uses and gives its id. */
  start(session: S, id: string = randomUUID()): string {
    const open: Open<S> = {
      session,
      startedAtMs: Date.now(),
      timer: undefined,
      tail: Promise.resolve(),
      users: 0,
    }
    this.#open.set(id, open)
    this.#rest(id, open)
    return id
  }

  /** Waits for the use before this one, if there is one. `done` has to be called. */
  async use(id: string): Promise<Use<S>> {
    const open = this.#open.get(id)
    if (open === undefined) return this.#endedOrUnknown(id)
    clearTimeout(open.timer)
    const previous = open.tail
    const turn = Promise.withResolvers<void>()
    open.tail = previous.then(() => turn.promise)
    open.users += 1
    await previous
    const done = (outcome: { readonly isOpen: boolean }) => {
      open.users -= 1
      if (!outcome.isOpen && this.#open.get(id) === open) this.#open.delete(id)
      turn.resolve()
      if (outcome.isOpen && open.users === 0) this.#rest(id, open)
    }
    if (this.#open.get(id) === open) return { kind: 'session', session: open.session, done }
    done({ isOpen: false })
    return this.#endedOrUnknown(id)
  }

  /** Forgets that a session had ended. */
  forget(id: string): void {
    this.#ended.delete(id)
  }

  /** Ends every session, those in use too. */
  async closeAll(): Promise<void> {
    for (const [id, open] of this.#open) this.#end(id, open, 'closing')
    await Promise.all(this.#endings)
  }

  #rest(id: string, open: Open<S>): void {
    const { idleSeconds, maxSeconds } = this.#options
    const leftSeconds = maxSeconds === undefined ? Infinity : maxSeconds - (Date.now() - open.startedAtMs) / 1000
    const isAgeNearer = leftSeconds < idleSeconds
    const delaySeconds = Math.max(0, Math.min(idleSeconds, leftSeconds))
    open.timer = setTimeout(() => this.#end(id, open, isAgeNearer ? 'age' : 'idle'), delaySeconds * 1000)
  }

  #end(id: string, open: Open<S>, ending: Ending): void {
    clearTimeout(open.timer)
    this.#open.delete(id)
    this.#remember(id, ending)
    const ended = Promise.resolve(this.#options.onEnd(open.session, ending)).finally(() => this.#endings.delete(ended))
    this.#endings.add(ended)
  }

  #remember(id: string, ending: Ending): void {
    const endedAt = new Date()
    for (const [oldId, old] of this.#ended) {
      const isOld = endedAt.getTime() - old.endedAt.getTime() > rememberedSeconds * 1000
      if (!isOld && this.#ended.size < rememberedCount) break
      this.#ended.delete(oldId)
    }
    this.#ended.set(id, { ending, endedAt })
  }

  #endedOrUnknown(id: string): Use<S> {
    const ended = this.#ended.get(id)
    return ended === undefined ? { kind: 'unknown' } : { kind: 'ended', ...ended }
  }
}
