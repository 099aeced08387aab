import type { Entry } from '@millrace/db/repositories/executions/entries'
import { historyTypes } from '@millrace/db/schema/schema'
import { exact } from '../members.ts'
import * as z from 'zod'
import { id, instant, text } from '../../fields.ts'

/** A path segment: a URL takes `.` and `..` for something else. */
export const stepKey = text(1, 255)
  .refine((key) => key !== '.' && key !== '..', { error: 'must not be `.` or `..`' })
  .meta({ description: 'Unique in its execution.' })

export const signalName = text(1, 100)

export const stepPath = z.object({ id, key: stepKey })

const errorSchema = z.object({ code: z.string(), message: z.string(), details: z.unknown().optional() }).nullable()

export const stepSchema = z
  .object({
    seq: z.int().meta({ description: "Its entry's place in the history." }),
    key: z.string(),
    output: z.unknown(),
    error: errorSchema,
    attempt: z.int().nullable(),
    startedAt: instant.nullable(),
    recordedAt: instant,
  })
  .meta({ id: 'Step' })

export const signalSchema = z
  .object({ seq: z.int(), name: z.string(), payload: z.unknown(), at: instant, by: id.nullable() })
  .meta({ id: 'Signal' })

export const historyEntrySchema = z
  .object({
    seq: z.int().meta({ description: 'From 1 without gaps.' }),
    type: z.enum(historyTypes),
    at: instant,
    fence: z.int().nullable().meta({ description: 'Of the claim under which it happened.' }),
    worker: z.string().nullable(),
    by: id.nullable().meta({ description: 'The user who did it.' }),
    key: z.string().nullable().meta({ description: 'Of a step.' }),
    name: z.string().nullable().meta({ description: 'Of a signal.' }),
  })
  .meta({ id: 'HistoryEntry' })

export function stepJson({ seq, key, output, error, attempt, startedAt, at }: Entry) {
  return { seq, key, output: exact(output), error: exact(error), attempt, startedAt, recordedAt: at }
}

export function signalJson({ seq, name, payload, at, actor }: Entry) {
  return { seq, name, payload: exact(payload), at, by: actor }
}

export function historyEntryJson({ seq, type, at, fence, worker, actor, key, name }: Entry) {
  return { seq, type, at, fence, worker, by: actor, key, name }
}
