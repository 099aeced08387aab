import type { Log } from '@millrace/api/log'
import type { DialectName } from '@millrace/db/sql/dialect'

/** As far as it is used of Workers Analytics Engine: a binding to a data set. */
interface DataSet {
  writeDataPoint(point: {
    readonly indexes: readonly string[]
    readonly blobs: readonly string[]
    readonly doubles: readonly number[]
  }): void
}

/**
 * A log that also writes a data point for each request into the data set that is bound as `ANALYTICS`, where one is:
 * the route as index and blob 1, then method, status, code (empty where none) and dialect; doubles are the milliseconds
 * of the request, those of the database, and the trips. Nothing of it tells who asked or for what.
 */
export function withAnalytics(
  log: Log,
  { ANALYTICS: dataSet }: Readonly<Record<string, unknown>>,
  dialect: DialectName,
): Log {
  if (!isDataSet(dataSet)) return log
  return (entry) => {
    log(entry)
    if (entry.event !== 'request') return
    const { route, method, status, code = '', milliseconds, databaseMilliseconds, trips } = entry
    dataSet.writeDataPoint({
      indexes: [route],
      blobs: [route, method, String(status), code, dialect],
      doubles: [milliseconds, databaseMilliseconds, trips],
    })
  }
}

function isDataSet(binding: unknown): binding is DataSet {
  return typeof binding === 'object' && binding !== null && 'writeDataPoint' in binding
}
