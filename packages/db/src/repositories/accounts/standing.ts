import {
  callerInput,
  isAnchor,
  isCaller,
  standingFields,
  standingOf,
  type Caller,
  type CallerInput,
  type Outcome,
  type Standing,
} from '../../access/access.ts'
import { defineQuery } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'

const standingQuery = defineQuery<CallerInput>()((dialect, bind) => {
  const { marks, users } = dialect.tables
  return dialect.builder
    .select(standingFields(dialect))
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .where(isAnchor(dialect))
})

/** Whether the caller may act at all: for refusals that rank before what the request itself lacks. */
export async function checkStanding(store: Store, caller: Caller): Promise<Outcome<Standing>> {
  const [row] = await store.read(standingQuery(store.dialect, callerInput(caller)))
  return standingOf(caller, row)
}
