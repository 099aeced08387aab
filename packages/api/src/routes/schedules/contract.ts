import type { ScheduleView } from '@millrace/db/repositories/schedules/schedules'
import { scheduleCatchUps, scheduleOverlaps } from '@millrace/db/schema/schema'
import { exact, membersOf } from '../members.ts'
import * as z from 'zod'
import { revisionResponse, type TextResponse } from '../../response.ts'
import { id, instant, text } from '../../fields.ts'
import { isTimeZone, parseCron } from '../../schedules/timetable.ts'
import { input } from '../executions/contract.ts'

const cron = text(1, 255)
  .superRefine((value, context) => {
    const parsed = parseCron(value)
    const message =
      parsed === undefined
        ? 'must have five fields (minute, hour, day of month, month, weekday), or be @hourly, @daily, @weekly or @monthly'
        : parsed.nextRun() === null
          ? 'names a time that never comes'
          : undefined
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
  .meta({ description: 'Five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`; 0 and 7 are Sunday.' })

const timeZone = text(1, 64)
  .refine(isTimeZone, { error: 'is not a time zone of the IANA database, such as Europe/Berlin' })
  .meta({ description: 'A name of the IANA database; `UTC` when absent.' })

const overlap = z
  .enum(scheduleOverlaps)
  .meta({ description: 'Whether to start while its last execution is unfinished.' })
const catchUp = z
  .enum(scheduleCatchUps)
  .meta({ description: 'Of planned times that were missed, one is started for the newest, or none.' })

const optional = {
  timeZone: timeZone.optional(),
  input: input.optional(),
  maxAttempts: z.int().min(1).max(100).optional().meta({ description: '3 when absent.' }),
  isEnabled: z.boolean().optional(),
  overlap: overlap.optional(),
  catchUp: catchUp.optional(),
}

export const newSchedule = z.object({ name: text(1, 255), cron, ...optional })
export const scheduleChange = z.object({ name: text(1, 255).optional(), cron: cron.optional(), ...optional })

const shape = {
  id,
  workflowId: id,
  name: z.string(),
  cron: z.string(),
  timeZone: z.string(),
  input: z.unknown(),
  maxAttempts: z.int(),
  isEnabled: z.boolean(),
  disabledReason: z.string().nullable(),
  overlap,
  catchUp,
  nextAt: instant.nullable().meta({ description: 'The planned time that is served next; null while it is disabled.' }),
  lastAt: instant.nullable().meta({ description: 'The planned time that was served last.' }),
  lastExecutionId: id.nullable(),
  revision: z.int(),
  createdBy: id.nullable().meta({ description: 'The user as whom it starts; null when that user has left.' }),
  createdAt: instant,
  updatedAt: instant,
}

export const scheduleSchema = z.object(shape).meta({ id: 'Schedule' })

export const plannedScheduleSchema = z
  .object({ ...shape, next: z.array(instant).meta({ description: 'Up to five planned times to come.' }) })
  .meta({ id: 'PlannedSchedule' })

export const schedulePath = z.object({ id })

const members = membersOf(scheduleSchema)

export function scheduleJson(schedule: ScheduleView) {
  return members({ ...schedule, input: exact(schedule.input) })
}

/** A new schedule, with where it is. */
export function createdResponse(schedule: ScheduleView): TextResponse {
  const location = `/v1/schedules/${encodeURIComponent(schedule.id)}`
  return revisionResponse(201, scheduleJson(schedule), { Location: location })
}
