import type { LogLevel } from '@millrace/api/settings'
import type { GatewayLog } from './connection.ts'
import type { Context } from './context.ts'
import { Failure } from './failure.ts'
import { readableEntry } from './log-lines.ts'

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** What a command starts or ends by itself it says by itself. */
const silentEvents: ReadonlySet<string> = new Set(['listening', 'closed'])

/**
 * The gateway's log on standard error: from LOG_LEVEL on, in words for people, else a line of JSON an entry.
 * Throws a Failure for a level that there is not.
 */
export function gatewayLog(context: Context, { isForPeople }: { readonly isForPeople: boolean }): GatewayLog {
  const given = context.environment()['LOG_LEVEL'] ?? 'info'
  const least = levels.findIndex((level) => level === given)
  if (least === -1) {
    throw new Failure('settings_invalid', {
      what: 'LOG_LEVEL is wrong.',
      why: 'It is not one of the allowed values.',
      fix: `Use ${levels.join(' or ')}.`,
    })
  }
  return (entry) => {
    if (levels.indexOf(entry.level) < least || silentEvents.has(entry.event)) return
    const at = new Date()
    const line = isForPeople ? readableEntry({ ...entry }, at) : JSON.stringify({ time: at.toISOString(), ...entry })
    context.output.note(line)
  }
}
