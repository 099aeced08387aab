import type { ServerFacts } from './connection.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

const tolerableMilliseconds = 1000
/** A lease of the migrator, which goes by the database's clock. */
const intolerableMilliseconds = 30_000

/** `clock`: the database's time has to lie between ours before it was asked and after it had answered. */
export function checkClock({ at, askedAt, answeredAt }: ServerFacts): Finding {
  const id = 'clock'
  const behind = askedAt.getTime() - at.getTime()
  const ahead = at.getTime() - answeredAt.getTime()
  const apart = Math.max(behind, ahead, 0)
  if (apart <= tolerableMilliseconds) return ok(id, "The database's clock and this one agree.")
  const words = `The database's clock is ${(apart / 1000).toFixed(1)} s ${behind > ahead ? 'behind' : 'ahead of'} this one.`
  const fix = 'Synchronize both machines with NTP (chrony, systemd-timesyncd).'
  return apart > intolerableMilliseconds ? fail(id, words, fix) : warn(id, words, fix)
}
