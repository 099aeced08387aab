import type { Log } from '@millrace/api/log'
import type { LogLevel } from '@millrace/api/settings'
import type { ConnectionLogEntry } from '@millrace/drivers/native/log'
import type { Context } from '../context.ts'
import { readableEntry } from '../log-lines.ts'

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/**
 * The server's log on standard error: on a terminal in words, else a line of JSON for each entry. That a secret was
 * revealed is told whatever the level.
 */
export function serveLog(
  context: Context,
  least: LogLevel,
): { readonly log: Log; readonly onConnection: (entry: ConnectionLogEntry) => void } {
  const isForPeople = process.stderr.isTTY && !context.output.isJson
  const write = (entry: { readonly level: LogLevel; readonly event: string }) => {
    if (entry.event !== 'secret_revealed' && ranks[entry.level] < ranks[least]) return
    const at = new Date()
    context.output.note(
      isForPeople ? readableEntry({ ...entry }, at) : JSON.stringify({ time: at.toISOString(), ...entry }),
    )
  }
  return { log: write, onConnection: write }
}
