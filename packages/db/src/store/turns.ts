import type { Store } from './store.ts'
import { pause } from './pause.ts'

const longestMilliseconds = 250

/**
 * For work of many batches: where the database has one writer, leaves it to the others for as long as the last batch had it.
 * SQLite keeps no queue, so a process whose batches follow each other at once would leave others without a turn.
 */
export async function leaveTurn(store: Store, startedAt: number): Promise<void> {
  if (!store.dialect.hasOneWriter) return
  const milliseconds = Math.min(performance.now() - startedAt, longestMilliseconds)
  await pause(milliseconds)
}
