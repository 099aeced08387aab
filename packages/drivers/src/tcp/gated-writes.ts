import { gateClosed } from '@millrace/db/sql/errors'
import type { RawResult, Statement } from '@millrace/db/sql/statement'

const nothing: RawResult = { rows: [], affected: 0 }

/**
 * Runs a batch's writes one by one, where each is a round trip: what a gate has made idle is left out.
 * @throws DatabaseError `isGateClosed`, or what `run` throws
 */
export async function writeUntilGate(
  writes: readonly Statement[],
  run: (statement: Statement) => Promise<RawResult>,
): Promise<{ readonly isDone: boolean; readonly results: readonly RawResult[] }> {
  const results: RawResult[] = []
  let isDone = true
  for (const statement of writes) {
    const result = isDone ? await run(statement) : nothing
    if (statement.isGate === true && result.affected === 0) {
      if (statement.endsBatch === true) throw gateClosed()
      isDone = false
    }
    results.push(result)
  }
  return { isDone, results }
}
