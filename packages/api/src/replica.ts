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
  /** Asks the primary, while the replica reads, whether it refuses the caller; undefined where it does not. */
  readonly objection: () => Promise<Refused | undefined>
}

/** How long a replica is not asked after its first failure. Each further failure doubles it. */
const firstAwayMilliseconds = 2000
/** The longest that it is not asked. */
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

  /** When the pause is over, one request tries the replica again; the others do not wait for its timeout. */
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
      // No reason to leave the replica alone: its pool was full, or a standby cancelled a query that was in its way.
      if (thrown.fault !== 'database_busy') this.#leaveAlone(requestId, thrown)
      return undefined
    }
  }

  #leaveAlone(requestId: string, { fault, message, fix }: DatabaseError): void {
    const { clock, log, metrics } = this.#options
    this.#awayMilliseconds = Math.min(
      longestAwayMilliseconds,
      Math.max(firstAwayMilliseconds, this.#awayMilliseconds * 2),
    )
    this.#awayUntil = clock().getTime() + this.#awayMilliseconds
    metrics.isReplicaUp = false
    const awaySeconds = this.#awayMilliseconds / 1000
    log({ level: 'warn', event: 'replica_failed', requestId, awaySeconds, cause: message, cure: fixOf(fault, fix) })
  }
}

/** What to do is worded for the primary; nobody migrates a replica. */
function fixOf(fault: DatabaseFault, fix: string): string {
  if (fault === 'database_schema_outdated') {
    return 'See that DATABASE_READ_URL is a replica of DATABASE_URL, and wait until it has caught up with the migrations.'
  }
  return `Of the replica, DATABASE_READ_URL: ${fix.replaceAll('DATABASE_URL', 'DATABASE_READ_URL')}`
}
