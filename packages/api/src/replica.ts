import type { Database } from '@millrace/db/store/database'
import { DatabaseError, type DatabaseFault } from '@millrace/db/sql/errors'
import type { Store } from '@millrace/db/store/store'
import type { TripObserver } from '@millrace/db/sql/transport'
import type { RouteResponse } from './response.ts'
import type { Log } from './log.ts'
import type { IsolateMetrics } from './metrics/isolate.ts'
import type { Refused } from './result.ts'

interface ReplicaOptions {
  readonly database: Database
  readonly clock: () => Date
  readonly log: Log
  readonly metrics: IsolateMetrics
}

export interface ReplicaRead {
  readonly requestId: string
  readonly respond: (store: Store) => Promise<RouteResponse | Refused>
  /** What the primary has against the caller, asked while the replica reads; undefined for nothing. */
  readonly objection: () => Promise<Refused | undefined>
}

/** How long nothing is asked of a replica that failed: the first time, doubled at each failure, and at most. */
const firstAwayMilliseconds = 2000
const longestAwayMilliseconds = 60_000

/**
 * Reads lists and histories from a replica, once for each isolate. What it can't answer the primary does: one that
 * failed is left alone for a while, so that its timeout is not every request's.
 */
export class Replica {
  readonly #options: ReplicaOptions
  #awayMilliseconds = 0
  #awayUntil = 0

  constructor(options: ReplicaOptions) {
    this.#options = options
    options.metrics.hasReplica = true
  }

  /**
   * The replica's answer; undefined where the primary has to answer. A replica lags, so its refusals don't count: what
   * it does not find may have been created since. It grants nothing either: the primary says who may read.
   */
  async answer(headers: Headers, observer: TripObserver, read: ReplicaRead): Promise<RouteResponse | undefined> {
    const { database, metrics } = this.#options
    if (/(^|,)\s*no-cache\s*(,|=|$)/i.test(headers.get('Cache-Control') ?? '')) {
      metrics.replicaRead('no_cache')
      return undefined
    }
    if (!this.#isTried()) {
      metrics.replicaRead('away')
      return undefined
    }
    const [answer, objection] = await Promise.all([this.#read(read, database.store(observer)), read.objection()])
    if (answer === undefined) return undefined
    const isAnswered = answer.ok && objection === undefined
    metrics.replicaRead(isAnswered ? 'replica' : 'refused')
    return isAnswered ? answer : undefined
  }

  /** Of those that ask when the time is over one finds out; the others wait for no timeout. */
  #isTried(): boolean {
    if (this.#awayMilliseconds === 0) return true
    const now = this.#options.clock().getTime()
    if (now < this.#awayUntil) return false
    this.#awayUntil = now + this.#awayMilliseconds
    return true
  }

  async #read({ requestId, respond }: ReplicaRead, store: Store): Promise<RouteResponse | Refused | undefined> {
    const { metrics } = this.#options
    try {
      const answer = await respond(store)
      this.#awayMilliseconds = 0
      metrics.isReplicaUp = true
      return answer
    } catch (thrown) {
      if (!(thrown instanceof DatabaseError)) throw thrown
      metrics.replicaRead(thrown.fault)
      // Busy is a moment's: a full pool, or a query that a standby cancelled for what it had to replay.
      if (thrown.fault !== 'database_busy') this.#leaveAlone(requestId, thrown)
      return undefined
    }
  }

  #leaveAlone(requestId: string, { fault, message, cure }: DatabaseError): void {
    const { clock, log, metrics } = this.#options
    this.#awayMilliseconds = Math.min(
      longestAwayMilliseconds,
      Math.max(firstAwayMilliseconds, this.#awayMilliseconds * 2),
    )
    this.#awayUntil = clock().getTime() + this.#awayMilliseconds
    metrics.isReplicaUp = false
    const awaySeconds = this.#awayMilliseconds / 1000
    log({ level: 'warn', event: 'replica_failed', requestId, awaySeconds, cause: message, cure: cureOf(fault, cure) })
  }
}

/** The cures are worded for the primary; nobody migrates a replica. */
function cureOf(fault: DatabaseFault, cure: string): string {
  if (fault === 'database_schema_outdated') {
    return 'See that DATABASE_READ_URL is a replica of DATABASE_URL, and wait until it has caught up with the migrations.'
  }
  return `Of the replica, DATABASE_READ_URL: ${cure.replaceAll('DATABASE_URL', 'DATABASE_READ_URL')}`
}
