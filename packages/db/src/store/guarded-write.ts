import { asProven, type UserCaller } from '../access/access.ts'
import type { RowLock } from '../sql/lock-order.ts'
import type { Query, Statement } from '../sql/statement.ts'

/**
 * A write of the product: one batch, all or nothing, that one statement decides (docs/adr/0065). In the order in which
 * its parts are sent:
 */
export interface GuardedWrite<Row = never> {
  /**
   * What the gate reads and another write may change or end: the caller's rows (`callerLocks`), the workflow, whatever
   * the condition names. Locked first where the gate's own statement doesn't lock it, so that the gate decides by
   * rows that stay as they are until the commit. What the write changes is locked for that at once.
   */
  readonly locks: readonly RowLock[]
  /** The one statement that decides: it holds the whole condition, and leaves this write's mark. */
  readonly gate: Statement
  /** What else happens, history and audit among it, and last the Idempotency-Key. None of it asks the gate's condition again. */
  readonly effects?: readonly Statement[]
  /**
   * Read in the same transaction behind all, and after a lost answer at the moment of the look-up; of a caller as whom
   * it says.
   */
  readonly answer?: Query<Row> | ((readAs: ReadAs) => Query<Row>)
  /**
   * Gives a row when this very batch has been applied, by an id that it alone makes (of its audit event, or of a new row)
   * and that cannot be made twice: never by a mark that the next write replaces. After a lost answer it is asked before
   * the batch is sent again, and the id's unique key holds where the first one was still on its way.
   */
  readonly proof: Query<unknown>
  /**
   * The gate of attempts after a lost answer, where the first one may have been applied and `proof` can't tell: it does
   * nothing over what others have written since.
   */
  readonly gateAfterLoss?: Statement
}

/**
 * The caller as whom an answer is read and judged: itself where the gate may be closed; {@link asProven} where it was
 * open. So who has lost their session, key or share between the write and its look-up is told what was done.
 */
export type ReadAs = (caller: UserCaller) => UserCaller

/**
 * A write whose answer is read when the gate is closed too, as it tells why, in the same round trip where the platform
 * takes a batch. Nothing then ends the batch but on a platform without: so each effect needs the condition of the gate's mark,
 * and of that alone.
 */
export interface MarkedWrite<Row> extends GuardedWrite<Row> {
  readonly answer: NonNullable<GuardedWrite<Row>['answer']>
  readonly answersWhenClosed: true
}

export type Applied<Row> = { readonly readAs: ReadAs } & (
  | {
      readonly isOpen: true
      /** Rows that the gate affected; 1 when a lost answer was looked up and the batch was applied. */
      readonly affected: number
      /** Of the answer. After a lost answer they are of the moment of the look-up. */
      readonly rows: readonly Row[]
    }
  | {
      readonly isOpen: false
      /** Of the answer, of a write that answers when closed. */
      readonly rows: readonly Row[]
    }
)

export const asItself: ReadAs = (caller) => caller

export function answerOf<Row>({ answer }: GuardedWrite<Row>, readAs: ReadAs): Query<Row> | undefined {
  return typeof answer === 'function' ? answer(readAs) : answer
}

export function openedBy<Row>(affected: number, rows: readonly Row[]): Applied<Row> {
  return { isOpen: true, affected, rows, readAs: asProven }
}

export function closed<Row>(rows: readonly Row[] = []): Applied<Row> {
  return { isOpen: false, rows, readAs: asItself }
}
