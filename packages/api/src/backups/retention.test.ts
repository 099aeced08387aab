import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keptBackups, type DatedBackup } from './retention.ts'

const day = 24 * 60 * 60 * 1000
const keep = { days: 7, weeks: 4, months: 12 }
const start = Date.parse('2026-01-01T03:30:00.000Z')

const dayOf = (at: Date) => at.toISOString().slice(0, 10)
const monthOf = (at: Date) => at.toISOString().slice(0, 7)
/** The Monday that the week begins with. */
function weekOf(at: Date): string {
  const monday = new Date(at.getTime() - ((at.getUTCDay() + 6) % 7) * day)
  return dayOf(monday)
}

/** A day's run: whether it succeeded, was read back, and how far its clock was off. */
const run = fc.record({
  isTaken: fc.integer({ min: 0, max: 6 }).map((drawn) => drawn > 0),
  isVerified: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn > 0),
  offDays: fc.oneof(
    { weight: 30, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -500, max: 500 }) },
  ),
})

const newestFirst = (backups: readonly DatedBackup[]) =>
  backups.toSorted((one, other) => other.createdAt.getTime() - one.createdAt.getTime())

/** For each of the newest periods in which a backup was taken up to then, one of it is there. */
function expectOneOfEach(
  taken: readonly DatedBackup[],
  there: readonly DatedBackup[],
  count: number,
  periodOf: (at: Date) => string,
): void {
  const periods = [...new Set(newestFirst(taken).map(({ createdAt }) => periodOf(createdAt)))].slice(
    0,
    Math.max(1, count),
  )
  const kept = new Set(there.map(({ createdAt }) => periodOf(createdAt)))
  expect(periods.filter((period) => !kept.has(period))).toEqual([])
}

test('over a year of runs, failed ones and odd clocks among them, what was promised is kept, and little more', () => {
  fc.assert(
    fc.property(fc.array(run, { minLength: 365, maxLength: 365 }), (runs) => {
      const taken: DatedBackup[] = []
      let there: readonly DatedBackup[] = []
      // Each backup that a clock dated ahead stands for a day, week and month of its own once its time is taken for past.
      let ahead = 0
      for (const [index, { isTaken, isVerified, offDays }] of runs.entries()) {
        if (!isTaken) continue
        const at = new Date(start + (index + offDays) * day)
        const backup = { name: `${at.toISOString()} ${index}`, createdAt: at, verifiedAt: isVerified ? at : null }
        taken.push(backup)
        if (offDays > 0) ahead += 1
        const before = [...there, backup]
        const kept = keptBackups(before, keep, at)
        there = before.filter(({ name }) => kept.has(name))
        const newestVerified = newestFirst(before).find(({ verifiedAt }) => verifiedAt !== null)
        const isThere = there.some(
          ({ createdAt, verifiedAt }) =>
            verifiedAt !== null && createdAt.getTime() === newestVerified?.createdAt.getTime(),
        )
        expect(isThere).toBe(newestVerified !== undefined)
        // What was promised is judged by a clock that is right.
        if (offDays !== 0 || index % 5 !== 4) continue
        const [pastTaken, pastThere] = [taken, there].map((some) => some.filter(({ createdAt }) => createdAt <= at))
        expectOneOfEach(pastTaken ?? [], pastThere ?? [], keep.days - ahead, dayOf)
        expectOneOfEach(pastTaken ?? [], pastThere ?? [], keep.weeks - ahead, weekOf)
        expectOneOfEach(pastTaken ?? [], pastThere ?? [], keep.months - ahead, monthOf)
        const ofLastDay = (pastThere ?? []).filter(({ createdAt }) => createdAt.getTime() > at.getTime() - day)
        expect((pastThere ?? []).length).toBeLessThanOrEqual(
          keep.days + keep.weeks + keep.months + Math.max(1, ofLastDay.length),
        )
      }
    }),
    { numRuns: 10 },
  )
})

test('a year without failures leaves seven days, four weeks and twelve months', () => {
  let there: readonly DatedBackup[] = []
  for (let index = 0; index < 365; index += 1) {
    const at = new Date(start + index * day)
    const before = [...there, { name: at.toISOString(), createdAt: at, verifiedAt: at }]
    const kept = keptBackups(before, keep, at)
    there = before.filter(({ name }) => kept.has(name))
  }
  const dates = there.map(({ createdAt }) => dayOf(createdAt))
  expect(dates).toEqual([
    ...['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30', '2026-07-31'],
    ...['2026-08-31', '2026-09-30', '2026-10-31', '2026-11-30', '2026-12-13', '2026-12-20'],
    ...['2026-12-25', '2026-12-26', '2026-12-27', '2026-12-28', '2026-12-29', '2026-12-30', '2026-12-31'],
  ])
})

test('one that was not read back gives way to one of the same day that was, and is never the newest one', () => {
  const at = (hour: number) => new Date(start + hour * 3_600_000)
  const one = { name: 'verified', createdAt: at(0), verifiedAt: at(0) }
  const other = { name: 'found', createdAt: at(5), verifiedAt: null }
  expect([...keptBackups([one, other], { days: 1, weeks: 0, months: 0 }, at(9))]).toEqual(['verified'])
  expect([...keptBackups([one, other], { days: 0, weeks: 0, months: 0 }, at(9))]).toEqual(['verified'])
})

test('verified ones of the last 24 hours are kept beside the newest of their day, older ones are not', () => {
  const at = (hour: number) => new Date(start + hour * 3_600_000)
  const backup = (hour: number, isVerified = true) => ({
    name: `${hour}`,
    createdAt: at(hour),
    verifiedAt: isVerified ? at(hour) : null,
  })
  const all = [backup(0), backup(1), backup(10), backup(11, false), backup(20)]
  const least = { days: 1, weeks: 0, months: 0 }
  expect([...keptBackups(all, least, at(20))].toSorted()).toEqual(['0', '1', '10', '20'])
  expect([...keptBackups(all, least, at(25))].toSorted()).toEqual(['10', '20'])
})
