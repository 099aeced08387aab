import { Cron } from 'croner'
import { wallClockOf, type WallClock } from './wall-clock.ts'

/** The planned times of a schedule: moments, each but once. */
export interface Timetable {
  /** The first one after a moment; undefined where none comes. */
  after(moment: Date): Date | undefined
  /** The last one up to a moment, itself included; undefined where there was none. */
  upTo(moment: Date): Date | undefined
}

const shorthands: ReadonlySet<string> = new Set(['@hourly', '@daily', '@weekly', '@monthly'])

/**
 * Reads five fields of crontab(5), or a shorthand. What only some programs know (seconds, `L`, `W`, `#`, `?`) is refused.
 * @returns undefined where it is none
 */
export function parseCron(text: string): Cron | undefined {
  if (!shorthands.has(text) && !hasFiveFields(text)) return undefined
  try {
    // Without a zone of its own: it walks what the wall shows. Day of month and weekday together mean either.
    return new Cron(text, { timezone: 'UTC', mode: '5-part', domAndDow: false, paused: true })
  } catch {
    return undefined
  }
}

function hasFiveFields(text: string): boolean {
  const fields = text.split(/[ \t]+/)
  return (
    fields.length === 5 &&
    fields.every((field) => /^[\w*,/-]+$/.test(field)) &&
    fields.every((field, position) => (field.match(/[a-z_]+/gi) ?? []).every((word) => isName(word, position)))
  )
}

const monthField = 3

/** Months and weekdays have names of three letters; which there are, croner knows. */
function isName(word: string, position: number): boolean {
  return position >= monthField && /^[a-z]{3}$/i.test(word)
}

/** Whether it is the name of a time zone in the IANA's database, as far as this platform knows it. */
export function isTimeZone(name: string): boolean {
  if (!/^[a-z][\w+/-]*$/i.test(name)) return false
  try {
    wallClockOf(name)
    return true
  } catch {
    return false
  }
}

/**
 * @param cron As {@link parseCron} takes it.
 * @throws RangeError when either is none
 */
export function timetableOf(cron: string, timeZone: string): Timetable {
  const walked = parseCron(cron)
  if (walked === undefined) throw new RangeError('the schedule has a timetable that is none')
  const clock = wallClockOf(timeZone)
  return { after: (moment) => firstAfter(walked, clock, moment), upTo: (moment) => lastUpTo(walked, clock, moment) }
}

/** As {@link timetableOf}; undefined where this platform does not know the time zone, which another one may have accepted. */
export function timetableIfKnown(cron: string, timeZone: string): Timetable | undefined {
  try {
    return timetableOf(cron, timeZone)
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined
    throw thrown
  }
}

/** Times that the wall shows a second time have been: they lead to a moment that is past. */
function firstAfter(cron: Cron, clock: WallClock, moment: Date): Date | undefined {
  let wall = cron.nextRun(clock.at(moment))
  while (wall !== null) {
    const planned = clock.momentOf(wall)
    if (planned > moment) return planned
    wall = cron.nextRun(wall)
  }
  return undefined
}

/** So far a clock is set back at once: what the wall shows by then may have been already. */
const mostSetBackMilliseconds = 3 * 3_600_000

function lastUpTo(cron: Cron, clock: WallClock, moment: Date): Date | undefined {
  let from = new Date(clock.at(moment).getTime() + mostSetBackMilliseconds)
  for (;;) {
    const [wall] = cron.previousRuns(1, from)
    if (wall === undefined) return undefined
    const planned = clock.momentOf(wall)
    if (planned <= moment) return planned
    from = wall
  }
}
