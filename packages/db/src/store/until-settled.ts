import { databaseError } from '../sql/errors.ts'
import { jittered, pause } from './pause.ts'

/** What an attempt gives when another write came between what it had read and its own write. */
export type Raced = 'raced'

const deadlineMilliseconds = 10_000
/** So long that of fifty at once most find nobody between their reading and their writing. */
const longestPauseMilliseconds = 500

/** How long others wait for an attempt: one whose request was cut off never tells its end. */
const longestTurnMilliseconds = 2_000
const pollMilliseconds = 10

/** Until when the attempts last that this isolate has under way, by what they write. */
const turns = new Map<string, number>()

/**
 * Repeats an attempt that is bound to what it has read, until none comes between. Each time one does, another caller's
 * write has come through, so there is no number of attempts that is too many: the deadline alone ends them.
 * @param row What it reads and then writes. Of attempts on one row only one can come through, so those of an isolate go
 *   one after the other; undefined: an attempt waits in the database for the others
 * @throws DatabaseError `database_busy` at the deadline; nothing was applied then
 */
export async function untilSettled<Result>(
  attempt: () => Promise<Result | Raced>,
  what: string,
  row?: string,
): Promise<Result> {
  const startedAt = Date.now()
  const deadline = startedAt + deadlineMilliseconds
  for (let tried = 1; ; tried += 1) {
    const result = await (row === undefined ? attempt() : inTurn(row, deadline, attempt))
    if (result !== 'raced') return result
    if (Date.now() > deadline) {
      throw databaseError('database_busy', `${what} changed at each attempt to write`, { isNotApplied: true })
    }
    await pause(Math.random() * Math.min(5 * 2 ** tried, longestPauseMilliseconds))
  }
}

/**
 * Waits by its own timer: a request on workerd must not wait for what another one resolves
 * (https://developers.cloudflare.com/workers/configuration/compatibility-flags/, cross-request promises).
 */
async function inTurn<Result>(row: string, deadline: number, attempt: () => Promise<Result>): Promise<Result> {
  while ((turns.get(row) ?? 0) > Date.now() && Date.now() < deadline) await pause(jittered(pollMilliseconds))
  const until = Date.now() + longestTurnMilliseconds
  turns.set(row, until)
  try {
    return await attempt()
  } finally {
    if (turns.get(row) === until) turns.delete(row)
    forgetCutOff()
  }
}

const mostTurns = 1000

/** Turns that nobody gave back. */
function forgetCutOff(): void {
  if (turns.size < mostTurns) return
  const now = Date.now()
  for (const [row, until] of turns) if (until <= now) turns.delete(row)
}
