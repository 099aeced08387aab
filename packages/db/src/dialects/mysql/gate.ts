import { sql } from 'drizzle-orm'
import type { GateDialect } from '../../sql/gate.ts'

export const mysqlGate: GateDialect = {
  // Under REPEATABLE READ every statement that writes locks what it reads, subqueries too, and reads it as it is now.
  // https://dev.mysql.com/doc/refman/8.4/en/innodb-locks-set.html
  locking: () => undefined,
  // What is only shared by the select could not be changed by two that share it.
  holding: (select) => sql`${select} for update`,
  locksWhatIsMissing: true,
  // One round trip per statement: the transport leaves out the rest.
  ending: (gate) => [{ ...gate, isGate: true, endsBatch: true }],
  affectedBy: ({ affected }) => affected,
}
