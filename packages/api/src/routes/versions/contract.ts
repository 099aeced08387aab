import { membersOf } from '../members.ts'
import * as z from 'zod'
import { greatestCount, id, instant, integer } from '../../fields.ts'

export const versionNumber = integer(1, greatestCount)

export const versionPath = z.object({ id, n: versionNumber })

const summaryShape = {
  id,
  versionNumber: z.int(),
  changeNotes: z.string().nullable(),
  createdBy: id.nullable(),
  createdAt: instant,
}

export const versionSummarySchema = z.object(summaryShape).meta({ id: 'VersionSummary' })

export const versionSchema = z
  .object({ ...summaryShape, definition: z.record(z.string(), z.unknown()) })
  .meta({ id: 'Version' })

export const versionSummaryJson = membersOf(versionSummarySchema)
