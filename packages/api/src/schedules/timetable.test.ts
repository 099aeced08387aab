import { describe, expect, test } from 'vitest'
import { isTimeZone, parseCron, timetableOf } from './timetable.ts'

function next(cron: string, timeZone: string, from: string, count = 1): readonly string[] {
  const timetable = timetableOf(cron, timeZone)
  const found: string[] = []
  let moment: Date | undefined = new Date(from)
  while (found.length < count) {
    moment = timetable.after(moment)
    if (moment === undefined) return found
    found.push(moment.toISOString().replace(':00.000Z', 'Z'))
  }
  return found
}

describe('what is a cron expression', () => {
  test.each([
    '* * * * *',
    '*/5 * * * *',
    '0 9-17/2 1,15 * MON-FRI',
    '0 0 * jan 7',
    '0\t0 1  1 0',
    '@hourly',
    '@daily',
    '@weekly',
    '@monthly',
  ])('%s is', (cron) => {
    expect(parseCron(cron)).toBeDefined()
  })
  test.each([
    '',
    '* * * *',
    '* * * * * *',
    '61 * * * *',
    '0 24 * * *',
    '0 0 0 * *',
    '0 0 32 * *',
    '0 0 * 13 *',
    '0 0 * * 8',
    '5-1 * * * *',
    '0 0 L * *',
    '0 0 15W * *',
    '0 0 * * 5L',
    '0 0 * * MON#2',
    '? * * * *',
    '@yearly',
    '@HOURLY',
    '2027-01-01T00:00:00',
    ' * * * * *',
    'a * * * *',
    '0 0 * foo *',
  ])('%s is not', (cron) => {
    expect(parseCron(cron)).toBeUndefined()
  })
})

test.each([
  ['UTC', true],
  ['Europe/Berlin', true],
  ['America/Argentina/Buenos_Aires', true],
  ['Etc/GMT+5', true],
  ['+01:00', false],
  ['Mars/Olympus', false],
  ['', false],
])('the time zone %s: %s', (name, is) => {
  expect(isTimeZone(name)).toBe(is)
})

describe('planned times', () => {
  test.each([
    ['0 and 7 are Sunday', '0 0 * * 7', ['2026-03-01T00:00Z', '2026-03-08T00:00Z']],
    ['day of month and weekday together mean either', '0 0 13 * 5', ['2026-03-06T00:00Z', '2026-03-13T00:00Z']],
    ['a leap day is waited for', '0 0 29 2 *', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
    ['@hourly', '@hourly', ['2026-02-28T23:00Z', '2026-03-01T00:00Z']],
    ['@weekly is Sunday, @monthly the first', '@weekly', ['2026-03-01T00:00Z', '2026-03-08T00:00Z']],
    ['@monthly', '@monthly', ['2026-03-01T00:00Z', '2026-04-01T00:00Z']],
    ['a day that no month has never comes', '0 0 30 2 *', []],
  ])('%s', (_what, cron, expected) => {
    expect(next(cron, 'UTC', '2026-02-28T22:00:00Z', 2)).toEqual(expected)
  })

  test.each([
    // The clock jumps from 02:00 to 03:00 at 01:00Z, and back from 03:00 to 02:00 at 01:00Z.
    [
      'skipped in Berlin',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ],
    [
      'all that is skipped is one',
      '*/20 2,3 * * *',
      'Europe/Berlin',
      '2026-03-29T00:00Z',
      ['2026-03-29T01:00Z', '2026-03-29T01:20Z'],
    ],
    [
      'shown twice in Berlin',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'hourly, shown twice',
      '0 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:30Z',
      ['2026-10-25T00:00Z', '2026-10-25T02:00Z'],
    ],
    [
      'skipped in New York',
      '30 2 * * *',
      'America/New_York',
      '2026-03-07T12:00Z',
      ['2026-03-08T07:00Z', '2026-03-09T06:30Z'],
    ],
    [
      'shown twice in New York',
      '30 1 * * *',
      'America/New_York',
      '2026-10-31T12:00Z',
      ['2026-11-01T05:30Z', '2026-11-02T06:30Z'],
    ],
    // Half an hour.
    [
      'skipped on Lord Howe',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T00:00Z',
      ['2026-10-03T15:30Z', '2026-10-04T15:15Z'],
    ],
    [
      'shown twice on Lord Howe',
      '45 1 * * *',
      'Australia/Lord_Howe',
      '2026-04-04T00:00Z',
      ['2026-04-04T14:45Z', '2026-04-05T15:15Z'],
    ],
    // Midnight itself is skipped.
    ['midnight in Beirut', '0 0 * * *', 'Asia/Beirut', '2026-03-28T12:00Z', ['2026-03-28T22:00Z', '2026-03-29T21:00Z']],
    [
      'a zone of 45 minutes',
      '0 0 * * *',
      'Asia/Kathmandu',
      '2026-03-28T12:00Z',
      ['2026-03-28T18:15Z', '2026-03-29T18:15Z'],
    ],
  ])('%s', (_what, cron, timeZone, from, expected) => {
    expect(next(cron, timeZone, from, 2)).toEqual(expected)
  })

  test.each(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC'])(
    'in %s the last up to a moment is the one that comes after the one before, for two years',
    (timeZone) => {
      // Clocks are changed on Sundays, between one and three.
      const timetable = timetableOf('*/30 1-3 * * 0', timeZone)
      const wrong: Date[] = []
      const end = new Date('2028-01-01T00:00:00Z')
      for (let moment = new Date('2026-01-01T00:00:00Z'); moment < end;) {
        const planned = timetable.after(moment)
        if (planned === undefined || planned <= moment)
          throw new Error(`it goes no further than ${moment.toISOString()}`)
        const found = [timetable.upTo(planned), timetable.upTo(new Date(planned.getTime() + 1))]
        if (found.some((one) => one?.getTime() !== planned.getTime())) wrong.push(planned)
        moment = planned
      }
      expect(wrong).toEqual([])
    },
  )
})
