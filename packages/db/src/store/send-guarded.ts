import { DatabaseError } from '../sql/errors.ts'
import type { RawResult, Transport } from '../sql/transport.ts'
import type { Applied, GuardedWrite, MarkedWrite } from './guarded-write.ts'

/** Sends a guarded write once. Where its gate affects no row nothing of it stays, and that is no error. */
export async function sendGuarded<Row>(
  transport: Transport,
  write: GuardedWrite<Row> | MarkedWrite<Row>,
): Promise<Applied<Row>> {
  const { gate: dialect } = transport.dialect
  const { locks, gate, effects = [], answer } = write
  const locking = dialect.locking(locks)
  if (locking === undefined && effects.length === 0 && answer === undefined) {
    return gateAlone(await transport.run(gate))
  }
  const isMarked = 'answersWhenClosed' in write
  const gateStatements = isMarked ? ([{ ...gate, isGate: true }] as const) : dialect.ending(gate)
  const before = locking === undefined ? [] : [locking]
  const writes = [...before, ...gateStatements, ...effects]
  try {
    const results = await transport.transact(writes, answer === undefined ? [] : [answer])
    const result = results[before.length]
    const affected = result === undefined ? 0 : isMarked ? result.affected : dialect.affectedBy(result)
    const rows = rowsOf(write, results[writes.length])
    return affected > 0 ? { isOpen: true, affected, rows } : { isOpen: false, rows }
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.isGateClosed) return { isOpen: false, rows: [] }
    throw thrown
  }
}

function gateAlone({ affected }: RawResult): Applied<never> {
  return affected > 0 ? { isOpen: true, affected, rows: [] } : { isOpen: false, rows: [] }
}

function rowsOf<Row>({ answer }: GuardedWrite<Row>, result: RawResult | undefined): readonly Row[] {
  return answer === undefined || result === undefined ? [] : result.rows.map((row) => answer.decode(row))
}
