import { asProven } from '../access/access.ts'
import { DatabaseError } from '../sql/errors.ts'
import type { Query, RawResult } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'
import {
  answerOf,
  asItself,
  closed,
  openedBy,
  type Applied,
  type GuardedWrite,
  type MarkedWrite,
} from './guarded-write.ts'

/** Sends a guarded write once. Where its gate affects no row nothing of it stays, and that is no error. */
export async function sendGuarded<Row>(
  transport: Transport,
  write: GuardedWrite<Row> | MarkedWrite<Row>,
): Promise<Applied<Row>> {
  const { gate: dialect } = transport.dialect
  const { locks, gate, effects = [] } = write
  const isMarked = 'answersWhenClosed' in write
  const answer = answerOf(write, isMarked ? asItself : asProven)
  const locking = dialect.locking(locks)
  if (locking === undefined && effects.length === 0 && answer === undefined) {
    const { affected } = await transport.run(gate)
    return affected > 0 ? openedBy<Row>(affected, []) : closed()
  }
  const gateStatements = isMarked ? ([{ ...gate, isGate: true }] as const) : dialect.ending(gate)
  const before = locking === undefined ? [] : [locking]
  const writes = [...before, ...gateStatements, ...effects]
  try {
    const results = await transport.transact(writes, answer === undefined ? [] : [answer])
    const result = results[before.length]
    const affected = result === undefined ? 0 : isMarked ? result.affected : dialect.affectedBy(result)
    const rows = rowsOf(answer, results[writes.length])
    return affected > 0 ? openedBy(affected, rows) : closed(rows)
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.isGateClosed) return closed()
    throw thrown
  }
}

function rowsOf<Row>(answer: Query<Row> | undefined, result: RawResult | undefined): readonly Row[] {
  return answer === undefined || result === undefined ? [] : result.rows.map((row) => answer.decode(row))
}
