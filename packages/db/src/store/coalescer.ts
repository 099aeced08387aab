/**
 * Of a process whose requests may wait for each other's round trips. workerd lets no request wait for what another one
 * does, so stores of the functions have none.
 */
export interface Sharing {
  /** The same object for all stores of one database in one process. */
  readonly scope: object
  /** Tells this request's observer of a round trip that another request has made for both. */
  noteTrip(milliseconds: number, statement: string): void
}

/** Does for all members what each asks for; the results stand in the order of the members. */
type RunTogether<Member, Result> = (members: readonly Member[]) => Promise<readonly Result[]>

interface CoalescerOptions {
  /** How many members go together. */
  readonly most: number
  /** How many runs of one group go on at once before others wait for them. */
  readonly runsAtOnce: number
  /** How long a member waits for runs that have begun before it goes beside them. */
  readonly longestWaitMilliseconds: number
  /** How long a run that has ended leaves its members time to come again, where it had several or others wait already. */
  readonly gatherMilliseconds: number
}

interface Waiting<Member, Result> {
  readonly member: Member
  readonly sinceMilliseconds: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

interface Group<Member, Result> {
  readonly waiting: Waiting<Member, Result>[]
  running: number
  timer: ReturnType<typeof setTimeout> | undefined
  /** While members of a run that has ended may come again. */
  gathering: { readonly expected: number; readonly timer: ReturnType<typeof setTimeout> } | undefined
}

/**
 * What comes in while a run of the same group goes on waits until that has ended, and then goes as one run. Where nothing
 * runs a member goes at once, so a member that is alone never waits. Members that were in company are expected to come
 * again: the next run goes when they have, or when their time is over.
 */
export class Coalescer<Member, Result> {
  readonly #groups = new Map<string, Group<Member, Result>>()
  readonly #options: CoalescerOptions
  readonly #runTogether: RunTogether<Member, Result>

  constructor(run: RunTogether<Member, Result>, options: CoalescerOptions) {
    this.#runTogether = run
    this.#options = options
  }

  /** @param key Of the group: what all members of a run have in common. Throws what the run throws. */
  join(key: string, member: Member): Promise<Result> {
    const group = this.#groups.get(key) ?? { waiting: [], running: 0, timer: undefined, gathering: undefined }
    this.#groups.set(key, group)
    return new Promise((resolve, reject) => {
      group.waiting.push({ member, sinceMilliseconds: performance.now(), resolve, reject })
      if (this.#isComplete(group)) return this.#start(key, group)
      this.#limitWaiting(key, group)
    })
  }

  /** Until the first of those that wait has waited for as long as it may. */
  #limitWaiting(key: string, group: Group<Member, Result>): void {
    const [first] = group.waiting
    if (first === undefined) return
    const waitedMilliseconds = performance.now() - first.sinceMilliseconds
    group.timer ??= setTimeout(
      () => {
        group.timer = undefined
        this.#start(key, group)
      },
      Math.max(0, this.#options.longestWaitMilliseconds - waitedMilliseconds),
    )
  }

  #isComplete({ waiting, running, gathering }: Group<Member, Result>): boolean {
    return gathering === undefined ? running < this.#options.runsAtOnce : waiting.length >= gathering.expected
  }

  #start(key: string, group: Group<Member, Result>): void {
    if (group.timer !== undefined) clearTimeout(group.timer)
    if (group.gathering !== undefined) clearTimeout(group.gathering.timer)
    group.timer = undefined
    group.gathering = undefined
    const together = group.waiting.splice(0, this.#options.most)
    this.#limitWaiting(key, group)
    if (together.length > 0) void this.#run(key, group, together)
    else if (group.running === 0) this.#groups.delete(key)
  }

  async #run(key: string, group: Group<Member, Result>, together: readonly Waiting<Member, Result>[]): Promise<void> {
    group.running += 1
    const settle = await this.#settlementOf(together)
    group.running -= 1
    // Before its members hear of it, so that the first that comes again finds the others expected.
    this.#goOn(key, group, together.length)
    settle()
  }

  #goOn(key: string, group: Group<Member, Result>, ended: number): void {
    if (group.gathering !== undefined) return
    const expected = Math.min(this.#options.most, group.waiting.length + ended)
    if (expected === 1 || group.waiting.length >= expected) return this.#start(key, group)
    const timer = setTimeout(() => this.#start(key, group), this.#options.gatherMilliseconds)
    group.gathering = { expected, timer }
  }

  async #settlementOf(together: readonly Waiting<Member, Result>[]): Promise<() => void> {
    try {
      const results = await this.#runTogether(together.map(({ member }) => member))
      return () => {
        for (const [place, { resolve, reject }] of together.entries()) {
          const result = results[place]
          if (result === undefined) reject(new TypeError('a run gave fewer results than it had members'))
          else resolve(result)
        }
      }
    } catch (error) {
      return () => {
        for (const { reject } of together) reject(error)
      }
    }
  }
}

/** Gives a store's coalescer, one for each database of a process; undefined where requests share nothing. */
export function defineCoalescer<Member, Result>(run: RunTogether<Member, Result>, options: CoalescerOptions) {
  const known = new WeakMap<object, Coalescer<Member, Result>>()
  return ({ sharing }: { readonly sharing: Sharing | undefined }): Coalescer<Member, Result> | undefined => {
    if (sharing === undefined) return undefined
    const coalescer = known.get(sharing.scope) ?? new Coalescer(run, options)
    known.set(sharing.scope, coalescer)
    return coalescer
  }
}
