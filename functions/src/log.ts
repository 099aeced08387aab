import type { Log } from '@millrace/api/log'
import type { LogLevel } from '@millrace/api/settings'

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/**
 * Writes each entry that is grave enough as one line of JSON, where Workers Logs index its members. That a secret was
 * revealed is told whatever the level: each use is to be known.
 */
export function createLog(least: LogLevel): Log {
  return (entry) => {
    if (entry.event === 'secret_revealed' || ranks[entry.level] >= ranks[least]) console.log(JSON.stringify(entry))
  }
}
