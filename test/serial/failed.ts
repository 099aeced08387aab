import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dialects, type DialectName } from '../dialects.ts'
import type { Grain } from './actor.ts'

/** A schedule whose outcome was of no serial order once. */
export interface FailedSchedule {
  readonly dialect: DialectName
  readonly grain: Grain
  readonly schedule: string
  readonly writes: string
}

/** Every schedule that ever failed, a line each: `postgres statement a1ba patch × delete`. */
export function readFailedSchedules(): readonly FailedSchedule[] {
  const lines = readFileSync(join(import.meta.dirname, 'failed-schedules.txt'), 'utf8').split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(readLine)
}

function readLine(line: string): FailedSchedule {
  const [name, grain, schedule = '', ...writes] = line.split(' ')
  const dialect = dialects.find((known) => known === name)
  if (dialect === undefined || (grain !== 'statement' && grain !== 'trip')) throw new Error(`no schedule: ${line}`)
  return { dialect, grain, schedule, writes: writes.join(' ') }
}
