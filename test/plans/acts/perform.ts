import type { Database } from '@millrace/db/store/database'
import { explainedStore, toldTransport, type Called, type Tell } from '../explained-store.ts'
import type { Act, Scene } from './act.ts'

interface Performance extends Partial<Pick<Scene, 'round' | 'rounds'>> {
  readonly tell: Tell
  readonly called?: Called
}

/** Does an act, and tells of each of its statements before it is sent. */
export async function perform(
  act: Act,
  database: Database,
  { tell, called, round = 0, rounds = 1 }: Performance,
): Promise<void> {
  const transport = database.transport()
  const store = explainedStore(transport, tell, called)
  const told = { ...database, store: () => store, transport: () => toldTransport(transport, tell) }
  const later: (() => Promise<unknown>)[] = []
  await act({ store, database: told, round, rounds, later: (work) => later.push(work) })
  for (const work of later) await work()
}
