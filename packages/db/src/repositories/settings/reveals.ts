import { all, done, isAnchor, refused, type Outcome, type UserCaller } from '../../access/access.ts'
import { callerLocks } from '../../access/caller-locks.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { sql } from 'drizzle-orm'
import type { Store } from '../../store/store.ts'
import { checkStanding } from '../accounts/standing.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, insertEventFrom } from '../audit/event.ts'
import { mayAct } from '../../access/conditions.ts'

/** That a secret of one's own settings is shown. */
export interface Reveal {
  /** Id of the audit event. */
  readonly id: string
  readonly at: Date
  /** Where the secret stands in the settings, and its ref: never its value. */
  readonly pointer: string
  readonly ref: string
}

/** A pointer is as long as who asks makes it. */
const mostPointerLength = 255

/** Notes that the caller is shown a secret: before it is, so that none is shown without a trace. */
export async function recordReveal(store: Store, caller: UserCaller, reveal: Reveal): Promise<Outcome<void>> {
  const { dialect } = store
  const { isOpen } = await store.apply({
    locks: callerLocks(dialect, caller),
    gate: revealEvent(dialect, caller, reveal),
    proof: eventQuery(dialect, reveal.id),
  })
  if (isOpen) return done(undefined)
  const standing = await checkStanding(store, caller)
  return standing.ok ? refused('unauthenticated') : standing
}

function revealEvent(dialect: Dialect, caller: UserCaller, { id, at, pointer, ref }: Reveal): Statement {
  const { marks } = dialect.tables
  const event = callerEvent(dialect, caller, {
    id,
    at,
    type: 'secret.revealed',
    subject: { type: 'settings', id: caller.userId },
    ownerId: caller.userId,
    data: { pointer: pointer.length > mostPointerLength ? null : pointer, ref },
  })
  return buildStatement(
    insertEventFrom(dialect, event, sql`${marks} where ${all(isAnchor(dialect), mayAct(dialect, caller))}`),
  )
}
