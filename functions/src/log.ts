import type { Log } from '@millrace/api/log'
import type { LogLevel } from '@millrace/api/settings'

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Writes each entry that is grave enough as one line of JSON, where Workers Logs index its members. */
export function createLog(least: LogLevel): Log {
  return (entry) => {
    if (ranks[entry.level] >= ranks[least]) console.log(JSON.stringify(entry))
  }
}
