import { gauge, type Family, type Sample } from '@millrace/api/metrics/families'
import type { PoolStatus } from '@millrace/db/sql/transport'

/** What one process has counted, and how full its pool is. */
export interface ProcessState {
  readonly families: readonly Family[]
  readonly pool: PoolStatus | undefined
}

/**
 * What the members of a group have counted, those that ended included: a counter that falls is taken for one that began
 * anew, and all that it shows for new (https://prometheus.io/docs/concepts/metric_types/#counter).
 */
export class GroupStates {
  /** Of all members that ended, up to what they told last. */
  #ended: readonly Family[] = []
  readonly #members = new Map<number, ProcessState>()
  readonly #endedMembers = new Set<number>()

  /** What a member tells takes the place of what it told before; what is heard of one that has ended comes too late. */
  tell(member: number, state: ProcessState): void {
    if (!this.#endedMembers.has(member)) this.#members.set(member, state)
  }

  end(member: number): void {
    this.#endedMembers.add(member)
    const last = this.#members.get(member)
    if (last === undefined) return
    this.#members.delete(member)
    this.#ended = sumFamilies([this.#ended, last.families.filter(({ type }) => type !== 'gauge')])
  }

  /** Without the one that asks. A member that has not answered counts with what it told last. */
  sumWith(own: ProcessState, asking?: number): ProcessState {
    const members = [...this.#members].flatMap(([member, state]) => (member === asking ? [] : [state]))
    return addStates([own, ...members, { families: this.#ended, pool: undefined }])
  }
}

/** What several processes have counted as one's. */
export function addStates(states: readonly ProcessState[]): ProcessState {
  return {
    families: sumFamilies(states.map(({ families }) => families)),
    pool: sumPools(states.flatMap(({ pool }) => (pool === undefined ? [] : [pool]))),
  }
}

/** How many processes serve as one, and how many of them told what they have counted. */
export interface Answered {
  /** Those that answer requests, and the first one. */
  readonly processes: number
  /** Those that told it now: the others count with what they told before. */
  readonly answered: number
}

export function answeredFamilies({ processes, answered }: Answered): readonly Family[] {
  return [
    gauge('millrace_serve_processes', 'Processes of this server, the one included that runs the jobs.', processes),
    gauge(
      'millrace_serve_processes_answered',
      'Processes that told what they counted for this scrape; the others count with what they told before.',
      answered,
    ),
  ]
}

/**
 * The families of several processes as one's. Counts of the same name and labels are added. Of a gauge, which says whether
 * something is well, the least holds: what is down for one process is down.
 */
function sumFamilies(states: readonly (readonly Family[])[]): readonly Family[] {
  const summed = new Map<string, { readonly family: Family; readonly samples: Map<string, Sample> }>()
  for (const family of states.flat()) {
    const sum = summed.get(family.name) ?? { family, samples: new Map<string, Sample>() }
    summed.set(family.name, sum)
    for (const sample of family.samples) {
      const key = JSON.stringify([sample.suffix, sample.labels])
      const other = sum.samples.get(key)?.value
      const value = other === undefined ? sample.value : together(family, other, sample.value)
      sum.samples.set(key, { ...sample, value })
    }
  }
  return [...summed.values()].map(({ family, samples }) => ({ ...family, samples: [...samples.values()] }))
}

function together({ type }: Family, one: number, other: number): number {
  return type === 'gauge' ? Math.min(one, other) : one + other
}

function sumPools([first, ...others]: readonly PoolStatus[]): PoolStatus | undefined {
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
