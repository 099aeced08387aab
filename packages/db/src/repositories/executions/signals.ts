import { and, eq, inArray, sql } from 'drizzle-orm'
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
  const seq = newestSeq(dialect, id)
  const body = dialect.concat(dialect.concat(sql`'{"seq":'`, seq), sql`'}'`)
  return underKey(store, caller, idempotent, async () => {
    const { isOpen, rows, readAs } = await store.apply({
      locks: executionLocks(dialect, caller, id),
      gate: signalStatement(dialect, caller, id, signal),
      effects: [
        recordEntry(dialect, id, { type: 'signal', at, actor: caller.userId, name: unpadded(name), payload }),
        executionEvent(dialect, caller, id, signal, { type: 'execution.signalled', data: { name, seq } }),
        ...(idempotent === undefined
          ? []
          : [storeResponse(dialect, caller, { ...idempotent, answer: { ...idempotent.head, body } })]),
      ],
      answer: sentQuery(dialect, { operation }),
      proof: eventQuery(dialect, operation),
    })
    const [row] = rows
    if (isOpen && row !== undefined) return done({ seq: seqOf(row.data) })
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

/** By the event, since others may have sent a signal of that name at the same moment. */
const sentQuery = defineQuery<{ operation: string }>()(({ builder, tables: { audit } }, bind) =>
  builder
    .select({ data: audit.data })
    .from(audit)
    .where(eq(audit.id, bind('operation', audit.id))),
)

/** The place that a signal's event tells. */
function seqOf(data: string): number {
  const value: unknown = JSON.parse(data)
  if (typeof value !== 'object' || value === null || !('seq' in value) || typeof value.seq !== 'number') {
    throw new TypeError('the event of a signal does not tell its place')
  }
  return value.seq
}
