import type { BackupKeep } from '../settings.ts'

export interface DatedBackup {
  readonly name: string
  readonly createdAt: Date
  readonly verifiedAt: Date | null
}

/**
 * Which backups to keep: the newest of each of the last days, weeks (from Monday) and months that have one, all in UTC;
 * one that was verified before one that was not. Verified ones of the last 24 hours are kept too, so that one that was
 * asked for before a change outlives the one after it. Days without a backup don't count, so that a schedule that fails for a
 * month removes nothing. The newest verified one is always kept, and so is whatever is dated later than `at`: which
 * clock was wrong is not known.
 */
export function keptBackups(backups: readonly DatedBackup[], keep: BackupKeep, at: Date): ReadonlySet<string> {
  const newestFirst = backups.toSorted((one, other) => compareNames(other, one))
  const future = newestFirst.filter(({ createdAt }) => createdAt > at)
  const past = newestFirst.filter(({ createdAt }) => createdAt <= at)
  const newestVerified = [past, future].flatMap((ofTime) => ofTime.find(({ verifiedAt }) => verifiedAt !== null) ?? [])
  return new Set(
    [
      ...future,
      ...newestVerified,
      ...past.filter((backup) => isOfLastDay(backup, at)),
      ...newestOfEach(past, keep.days, dayOf),
      ...newestOfEach(past, keep.weeks, weekOf),
      ...newestOfEach(past, keep.months, monthOf),
    ].map(({ name }) => name),
  )
}

function compareNames(one: DatedBackup, other: DatedBackup): number {
  return one.createdAt.getTime() - other.createdAt.getTime() || (one.name < other.name ? -1 : 1)
}

function newestOfEach(
  newestFirst: readonly DatedBackup[],
  count: number,
  periodOf: (at: Date) => string | number,
): readonly DatedBackup[] {
  const periods = [...Map.groupBy(newestFirst, ({ createdAt }) => periodOf(createdAt)).values()]
  return periods
    .slice(0, count)
    .flatMap((ofPeriod) => ofPeriod.find(({ verifiedAt }) => verifiedAt !== null) ?? ofPeriod.slice(0, 1))
}

const dayMilliseconds = 24 * 60 * 60 * 1000

function isOfLastDay({ createdAt, verifiedAt }: DatedBackup, at: Date): boolean {
  return verifiedAt !== null && createdAt.getTime() > at.getTime() - dayMilliseconds
}

function dayOf(at: Date): number {
  return Math.floor(at.getTime() / dayMilliseconds)
}

/** Weeks since Monday, 29 December 1969. */
function weekOf(at: Date): number {
  return Math.floor((dayOf(at) + 3) / 7)
}

function monthOf(at: Date): string {
  return at.toISOString().slice(0, 7)
}
