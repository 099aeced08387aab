/** What an execution waits for while nobody works it. */
export interface Wait {
  /** Until when, where it is for a time. */
  readonly until: Date | undefined
  /** The signal that ends it, and the highest `seq` that cannot be that signal any more. */
  readonly signal: { readonly name: string; readonly afterSeq: number } | undefined
}

/** How an execution is given up until what it waits for has come. */
export interface Suspension {
  readonly dueAt: string | undefined
  readonly waitFor: readonly string[] | undefined
  readonly afterSeq: number | undefined
}

export interface Suspending {
  /** Runs something that keeps the execution from being given up. */
  busy<Value>(act: () => Promise<Value>): Promise<Value>
  /** Never resolves: when it ends, the execution is worked by another attempt, from its beginning. */
  wait(wait: Wait): Promise<never>
  /** Resolves when all that is left to do is to wait. */
  readonly suspended: Promise<Suspension>
}

export function createSuspending(): Suspending {
  const waits: Wait[] = []
  let busyCount = 0
  let suspend: ((suspension: Suspension) => void) | undefined
  const suspended = new Promise<Suspension>((resolve) => {
    suspend = resolve
  })

  return {
    suspended,
    async busy(act) {
      busyCount += 1
      try {
        return await act()
      } finally {
        busyCount -= 1
        settle()
      }
    },
    wait(wait) {
      waits.push(wait)
      settle()
      return new Promise<never>(() => undefined)
    },
  }

  /** In a later task: the handler goes on first, and may have something more to do. */
  function settle(): void {
    setTimeout(() => {
      if (busyCount === 0 && waits.length > 0) suspend?.(suspensionOf(waits))
    })
  }
}

/** The first of several waits that ends wakes the execution; the others are waited for again. */
function suspensionOf(waits: readonly Wait[]): Suspension {
  const times = waits.flatMap(({ until }) => (until === undefined ? [] : [until.getTime()]))
  const signals = waits.flatMap(({ signal }) => (signal === undefined ? [] : [signal]))
  return {
    dueAt: times.length === 0 ? undefined : new Date(Math.min(...times)).toISOString(),
    waitFor: signals.length === 0 ? undefined : [...new Set(signals.map(({ name }) => name))],
    afterSeq: signals.length === 0 ? undefined : Math.min(...signals.map(({ afterSeq }) => afterSeq)),
  }
}
