import {
  callerInput,
  isCaller,
  standingOf,
  type Caller,
  type CallerInput,
  type Outcome,
  type Standing,
} from '../../access/access.ts'
import { defineQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { fromCaller } from '../../access/reads.ts'

const standingQuery = defineQuery<CallerInput>()((dialect, bind) => {
  return fromCaller(dialect, isCaller(dialect, bind), { fields: {} })
})

/** Whether the caller may act at all: for refusals that rank before what the request itself lacks. */
export async function checkStanding(store: Store, caller: Caller): Promise<Outcome<Standing>> {
  const [row] = await store.read(standingQuery(store.dialect, callerInput(caller)))
  return standingOf(caller, row)
}
