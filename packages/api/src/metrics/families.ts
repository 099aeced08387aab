/** Metrics of one name, as Prometheus' text format has them. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** After the family's name: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string
  readonly labels: Labels
  readonly value: number
}

export type Labels = Readonly<Record<string, string>>

export const textContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Writes Prometheus' text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export function writeFamilies(families: readonly Family[]): string {
  return families.map(writeFamily).join('')
}

function writeFamily({ name, help, type, samples }: Family): string {
  const head = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
  return (
    head + samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${writeLabels(labels)} ${value}\n`).join('')
  )
}

function writeLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

export function gauge(name: string, help: string, samples: readonly Sample[] | number): Family {
  return {
    name,
    help,
    type: 'gauge',
    samples: typeof samples === 'number' ? [{ labels: {}, value: samples }] : samples,
  }
}

export interface Counted {
  readonly labels: Labels
  value: number
}

/** Counts by labels. */
export class Counter {
  readonly #counts = new Map<string, Counted>()

  /** @param known Labels that are there, with 0, before anything was counted: a rate needs the value before the first event. */
  constructor(known: readonly Labels[] = []) {
    for (const labels of known) this.of(labels)
  }

  add(labels: Labels = {}): void {
    this.of(labels).value += 1
  }

  /** The count for those labels: for who counts so often that to find it each time would cost more than to count. */
  of(labels: Labels): Counted {
    const key = JSON.stringify(labels)
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    const counted = { labels, value: 0 }
    this.#counts.set(key, counted)
    return counted
  }

  family(name: string, help: string): Family {
    const samples = [...this.#counts.values()].map(({ labels, value }) => ({ labels, value }))
    return { name, help, type: 'counter', samples }
  }
}

/** Durations with the same labels. */
export class Observed {
  readonly labels: Labels
  readonly #bounds: readonly number[]
  /** Of each bucket alone; the last is of what is beyond all. */
  readonly counts: number[]
  sum = 0

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels
    this.#bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.sum += value
  }
}

/** Durations by labels, counted in buckets. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #observed = new Map<string, Observed>()

  /**
   * @param bounds Upper bounds of the buckets, ascending.
   * @param known Labels that are there, with 0, before anything was observed.
   */
  constructor(bounds: readonly number[], known: readonly Labels[] = []) {
    this.#bounds = bounds
    for (const labels of known) this.of(labels)
  }

  observe(value: number, labels: Labels = {}): void {
    this.of(labels).observe(value)
  }

  /** As {@link Counter.of}. */
  of(labels: Labels): Observed {
    const key = JSON.stringify(labels)
    const known = this.#observed.get(key)
    if (known !== undefined) return known
    const observed = new Observed(labels, this.#bounds)
    this.#observed.set(key, observed)
    return observed
  }

  family(name: string, help: string): Family {
    const samples = [...this.#observed.values()].flatMap((observed) => this.#samplesOf(observed))
    return { name, help, type: 'histogram', samples }
  }

  #samplesOf({ labels, counts, sum }: Observed): readonly Sample[] {
    let count = 0
    const buckets = counts.map((counted, position) => {
      count += counted
      const bound = this.#bounds[position]
      return {
        suffix: '_bucket',
        labels: { ...labels, le: bound === undefined ? '+Inf' : String(bound) },
        value: count,
      }
    })
    return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }]
  }
}
