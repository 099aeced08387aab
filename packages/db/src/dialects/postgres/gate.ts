import { gateClosedWords, type GateDialect } from '../../sql/gate.ts'
import { inLockOrder } from '../../sql/lock-order.ts'
import type { Statement } from '../../sql/statement.ts'

export const postgresGate: GateDialect = {
  // A statement of its own: only the next one's snapshot shows what was committed while this one waited.
  locking: (locks) => merged(inLockOrder(locks).map((lock) => lock.statement())),
  holding: (select) => select,
  locksWhatIsMissing: false,
  // The cast raises (22P02) with the words in its message. It depends on the count, so that nothing evaluates it early.
  ending: ({ text, parameters }) => [
    {
      text: `with gate as (${text} returning 1) select case when count(*) > 0 then count(*)::integer else cast('${gateClosedWords} ' || count(*)::text as integer) end from gate`,
      parameters,
    },
  ],
  affectedBy: ({ rows }) => Number(rows[0]?.[0] ?? 0),
}

/** One statement that runs all, in order: a sum's operands are evaluated from left to right, each when it is asked for. */
function merged(statements: readonly Statement[]): Statement | undefined {
  const [first, ...others] = statements
  if (first === undefined || others.length === 0) return first
  let count = 0
  const parts = statements.map(({ text, parameters }) => {
    const offset = count
    count += parameters.length
    return text.replaceAll(/\$(\d+)/g, (_place, number: string) => `$${Number(number) + offset}`)
  })
  const locks = parts.map((text, index) => `lock_${index} as materialized (${text})`)
  const counts = parts.map((_text, index) => `(select count(*) from lock_${index})`)
  return {
    text: `with ${locks.join(', ')} select ${counts.join(' + ')}`,
    parameters: statements.flatMap(({ parameters }) => parameters),
  }
}
