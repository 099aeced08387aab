import type { IsolateMetrics } from '@millrace/api/metrics/isolate'
import type { TripObserver } from '@millrace/db/sql/transport'
import type { Database } from '@millrace/db/store/database'

/** A database whose round trips are counted where no request counts them: those of the jobs. */
export function countsTrips(database: Database, metrics: IsolateMetrics, slowMilliseconds: number): Database {
  const observer: TripObserver = {
    trip: (milliseconds) => metrics.trip(milliseconds, { isSlow: milliseconds >= slowMilliseconds }),
  }
  return {
    ...database,
    store: (of = observer) => database.store(of),
    transport: (of = observer) => database.transport(of),
  }
}
