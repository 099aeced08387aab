import { databaseError } from '../sql/errors.ts'
import { pause } from './pause.ts'

/** What an attempt gives when another write came between what it had read and its own write. */
export type Raced = 'raced'

const deadlineMilliseconds = 10_000
/** So long that of fifty at once most find nobody between their reading and their writing. */
const longestPauseMilliseconds = 500

/**
 * Repeats an attempt that is bound to what it has read, until none comes between. Each time one does, another caller's
 * write has come through, so there is no number of attempts that is too many: the deadline alone ends them.
 * @throws DatabaseError `database_busy` at the deadline; nothing was applied then
 */
export async function untilSettled<Result>(attempt: () => Promise<Result | Raced>, what: string): Promise<Result> {
  const startedAt = Date.now()
  for (let tried = 1; ; tried += 1) {
    const result = await attempt()
    if (result !== 'raced') return result
    if (Date.now() - startedAt > deadlineMilliseconds) {
      throw databaseError('database_busy', `${what} changed at each attempt to write`, { isNotApplied: true })
    }
    await pause(Math.random() * Math.min(5 * 2 ** tried, longestPauseMilliseconds))
  }
}
