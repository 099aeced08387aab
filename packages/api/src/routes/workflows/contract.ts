import type { WorkflowView } from '@millrace/db/repositories/workflows/workflows'
import type { DocumentText } from '@millrace/db/document'
import { membersOf } from '../members.ts'
import * as z from 'zod'
import { id, instant, text } from '../../fields.ts'
import { ExactJson } from '../../json.ts'

/** A definition: any JSON object, kept as its exact text and opaque here. */
export const definition = z
  .custom<DocumentText>((value) => typeof value === 'string' && value.startsWith('{'), {
    error: 'must be a JSON object',
  })
  .meta({ type: 'object' })

export const name = text(1, 255)
export const description = text(0, 100_000).nullable()
export const changeNotes = text(0, 10_000).nullable()
export const permission = z.enum(['view', 'execute', 'edit', 'owner'])

export const newWorkflow = z.object({
  name,
  description: description.optional(),
  definition,
  isPublic: z.boolean().optional(),
})

const titleShape = { id, name: z.string(), description: z.string().nullable() }

const standingShape = {
  ownerId: id.nullable(),
  isPublic: z.boolean(),
  versionNumber: z.int(),
  revision: z.int(),
  permission: permission.meta({ description: "The caller's own." }),
  createdAt: instant,
  updatedAt: instant,
}

const summaryShape = { ...titleShape, ...standingShape }

export const workflowSummarySchema = z.object(summaryShape).meta({ id: 'WorkflowSummary' })

export const workflowSchema = z
  .object({ ...summaryShape, definition: z.record(z.string(), z.unknown()) })
  .meta({ id: 'Workflow' })

export const workflowPath = z.object({ id })

const workflowMembers = membersOf(z.object({ ...titleShape, definition: z.unknown(), ...standingShape }))

export function workflowJson(workflow: WorkflowView) {
  return workflowMembers({ ...workflow, definition: new ExactJson(workflow.definition) })
}

export const workflowSummaryJson = membersOf(workflowSummarySchema)
