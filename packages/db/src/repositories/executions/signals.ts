import { and, desc, eq, inArray, sql } from 'drizzle-orm'
import { done, type Outcome, type UserCaller, absentFor } from '../../access/access.ts'
import type { DocumentText } from '../../document/index.ts'
import { signalNeedle } from '../../schema/signal-names.ts'
import { unpadded } from '../../schema/unpadded-text.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildStatement, defineQuery } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { storeResponse, underKey, type IdempotentHead, type StoredOutcome } from '../../store/idempotency.ts'
import type { Store } from '../../store/store.ts'
import { eventQuery } from '../audit/event.ts'
import { executionLocks, latest, refusalOf, type StepRefusal } from './changes.ts'
import { executionEvent, type Control } from './control.ts'
import { mayOnExecution } from './executions.ts'
import { lastSeqAfter, recordEntry } from './history.ts'
import { mayAct } from '../../access/conditions.ts'

export interface Signal extends Control {
  readonly name: string
  readonly payload: DocumentText | null
}

/**
 * Leaves a signal in an unfinished execution's history. One that is paused and waits for a signal of that name becomes
 * pending, due now, in the same batch.
 */
export function sendSignal(
  store: Store,
  caller: UserCaller,
  id: string,
  signal: Signal,
  idempotent?: IdempotentHead,
): Promise<Outcome<{ readonly seq: number }, StepRefusal> | StoredOutcome> {
  const { dialect } = store
  const { name, payload, operation, at } = signal
  // Which place the signal has is known in the batch alone.
  const body = dialect.concat(dialect.concat(sql`'{"seq":'`, newestSeq(dialect, id)), sql`'}'`)
  return underKey(store, caller, idempotent, async () => {
    const { isOpen, rows, readAs } = await store.apply({
      locks: executionLocks(dialect, caller, id),
      gate: signalStatement(dialect, caller, id, signal),
      effects: [
        recordEntry(dialect, id, { type: 'signal', at, actor: caller.userId, name: unpadded(name), payload }),
        executionEvent(dialect, caller, id, signal, { type: 'execution.signalled', data: { name } }),
        ...(idempotent === undefined
          ? []
          : [storeResponse(dialect, caller, { ...idempotent, answer: { ...idempotent.head, body } })]),
      ],
      answer: sentQuery(dialect, { id, at, name: unpadded(name), actor: caller.userId }),
      proof: eventQuery(dialect, operation),
    })
    const [row] = rows
    if (isOpen && row !== undefined) return done({ seq: row.seq })
    if (isOpen) return absentFor(readAs(caller))
    return refusalOf(store, caller, id, 'execute', () => 'invalid_transition' as const)
  })
}

function signalStatement(dialect: Dialect, caller: UserCaller, id: string, { name, at }: Signal): Statement {
  const { executions } = dialect.tables
  const { status, dueAt, waitFor } = executions
  // All by `wait_for`, the last of these columns: MySQL sets them from left to right, and reads what it has set.
  const isAwaited = dialect.contains(waitFor, sql`${signalNeedle(name)}`)
  const update = dialect.builder
    .update(executions)
    .set({
      status: sql`case when ${isAwaited} then 'pending' else ${status} end`,
      dueAt: sql`case when ${isAwaited} then nullif(${dueAt}, ${dueAt}) else ${dueAt} end`,
      updatedAt: latest(executions.updatedAt, at),
      waitFor: sql`case when ${isAwaited} then null else ${waitFor} end`,
      lastSeq: lastSeqAfter(dialect, 1),
    })
    .where(
      and(
        eq(executions.id, id),
        inArray(status, ['pending', 'running', 'paused']),
        mayAct(dialect, caller),
        mayOnExecution(dialect, caller, 'execute'),
      ),
    )
  return buildStatement(update)
}

function newestSeq({ builder, tables: { executions } }: Dialect, id: string) {
  return sql`(${builder.select({ seq: executions.lastSeq }).from(executions).where(eq(executions.id, id))})`
}

/** The newest of that moment: in the batch itself its own. */
const sentQuery = defineQuery<{ id: string; at: Date; name: string; actor: string }>()(
  ({ builder, tables: { executionHistory } }, bind) =>
    builder
      .select({ seq: executionHistory.seq })
      .from(executionHistory)
      .where(
        and(
          eq(executionHistory.executionId, bind('id', executionHistory.executionId)),
          eq(executionHistory.type, 'signal'),
          eq(executionHistory.at, bind('at', executionHistory.at)),
          eq(executionHistory.name, bind('name', executionHistory.name)),
          eq(executionHistory.actor, bind('actor', executionHistory.actor)),
        ),
      )
      .orderBy(desc(executionHistory.seq))
      .limit(1),
)
