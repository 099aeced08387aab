import type { DatabaseFault } from '@millrace/db/sql/troubles'
import { Counter, gauge, Histogram, type Counted, type Family, type Labels, type Observed } from './families.ts'

/** Seconds: a request takes a few round trips, and what takes longer than ten seconds has failed in some way. */
const secondsBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const withoutLabels: readonly Labels[] = [{}]
/** Faults after which a statement is often retried: their counters are shown from the start, others when they first happen. */
const retriedFaults = ['database_busy', 'database_timeout', 'database_unreachable'].map((fault) => ({ fault }))
const replicaResults = ['replica', 'refused', 'no_cache', 'away'].map((result) => ({ result }))

/** Who answered a request that the replica may answer: the replica, or the primary, and why. */
type ReplicaResult = 'replica' | 'refused' | 'no_cache' | 'away' | DatabaseFault

/** One request that was answered. */
export interface CountedRequest {
  /** A method that HTTP knows, or `other`: a metric's labels have few values. */
  readonly method: string
  /** The route's pattern. */
  readonly route: string
  readonly status: number
  readonly milliseconds: number
}

/** What this isolate has done since it started. Each isolate of a deployment counts for itself. */
export class IsolateMetrics {
  readonly #requests = new Counter()
  readonly #requestSeconds = new Histogram(secondsBounds)
  /** Of {@link #requests} and {@link #requestSeconds}, by status, method and route. */
  readonly #ofRequests = new Map<string, { readonly counted: Counted; readonly observed: Observed }>()
  readonly #tripSeconds = new Histogram(secondsBounds, withoutLabels)
  readonly #trips = this.#tripSeconds.of({})
  readonly #slowQueries = new Counter(withoutLabels)
  readonly #retries = new Counter(retriedFaults)
  readonly #replicaReads = new Counter(replicaResults)
  readonly #since: string
  hasReplica = false
  /** Whether what was last asked of the replica was answered. */
  isReplicaUp = true

  /** @param since What counts, and from when: for the help of the metrics. */
  constructor(since = 'by this isolate since it began: each isolate counts for itself') {
    this.#since = since
  }

  request({ method, route, status, milliseconds }: CountedRequest): void {
    const key = `${status} ${method} ${route}`
    const known = this.#ofRequests.get(key) ?? this.#newRequests(key, { route, method, status: String(status) })
    known.counted.value += 1
    known.observed.observe(milliseconds / 1000)
  }

  #newRequests(key: string, labels: Labels) {
    const made = { counted: this.#requests.of(labels), observed: this.#requestSeconds.of(labels) }
    this.#ofRequests.set(key, made)
    return made
  }

  trip(milliseconds: number, { isSlow }: { readonly isSlow: boolean }): void {
    this.#trips.observe(milliseconds / 1000)
    if (isSlow) this.#slowQueries.add()
  }

  /** A statement or batch is tried again after that fault. */
  retry(fault: string): void {
    this.#retries.add({ fault })
  }

  replicaRead(result: ReplicaResult): void {
    this.#replicaReads.add({ result })
  }

  /** What `/metrics` tells: this isolate's own counts, or those of several processes that serve as one. */
  collect: () => Promise<readonly Family[]> = () => Promise.resolve(this.own())

  own(): readonly Family[] {
    return [
      this.#requests.family('millrace_requests_total', this.#help('Requests answered')),
      this.#requestSeconds.family('millrace_request_duration_seconds', this.#help('How long requests took')),
      this.#tripSeconds.family(
        'millrace_database_trip_duration_seconds',
        this.#help('How long round trips to the database took; their count is the number of trips'),
      ),
      this.#slowQueries.family(
        'millrace_slow_queries_total',
        this.#help('Round trips that took SLOW_QUERY_MS or longer'),
      ),
      this.#retries.family('millrace_database_retries_total', this.#help('Statements tried again after a fault')),
      ...(this.hasReplica ? this.#replicaFamilies() : []),
    ]
  }

  #replicaFamilies(): readonly Family[] {
    return [
      this.#replicaReads.family(
        'millrace_replica_reads_total',
        this.#help('Lists and histories: answered by the replica, or why the primary answered'),
      ),
      gauge(
        'millrace_replica_up',
        this.#help('Whether the replica answered when it was last asked'),
        this.isReplicaUp ? 1 : 0,
      ),
    ]
  }

  #help(words: string): string {
    return `${words}, ${this.#since}.`
  }
}
