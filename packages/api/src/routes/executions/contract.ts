import type { DocumentText } from '@millrace/db/document'
import type { ClaimedWithSteps } from '../../services/claims.ts'
import type { ExecutionSummary, ExecutionView } from '@millrace/db/repositories/executions/executions'
import { executionStatuses } from '@millrace/db/schema/schema'
import { decodeSignalNames } from '@millrace/db/schema/signal-names'
import { exact, membersOf } from '../members.ts'
import * as z from 'zod'
import { jsonResponse, type RouteResponse, type TextResponse } from '../../response.ts'
import { id, instant, moment } from '../../fields.ts'
import { ExactJson } from '../../json.ts'
import { stepJson, stepSchema } from './entries.ts'

/** Any JSON value, kept as its exact text and opaque here. */
export const value = z.custom<DocumentText>((text) => typeof text === 'string', { error: 'must be JSON' }).meta({})

export const input = value
export const state = value

/** `{ code, message, details? }` or null, as exact text. */
export const error = value
  .superRefine((text, context) => {
    for (const problem of errorProblems(JSON.parse(text))) context.addIssue({ code: 'custom', ...problem })
  })
  .meta({
    anyOf: [
      {
        type: 'object',
        required: ['code', 'message'],
        properties: { code: { type: 'string' }, message: { type: 'string' }, details: {} },
        additionalProperties: false,
      },
      { type: 'null' },
    ],
  })

const errorMembers: ReadonlySet<string> = new Set(['code', 'message', 'details'])

interface ErrorProblem {
  readonly path: string[]
  readonly message: string
}

function errorProblems(parsed: unknown): readonly ErrorProblem[] {
  if (parsed === null) return []
  if (typeof parsed !== 'object' || Array.isArray(parsed)) return [{ path: [], message: 'must be an object or null' }]
  const members: Readonly<Record<string, unknown>> = { ...parsed }
  const missing = ['code', 'message'].filter((name) => typeof members[name] !== 'string')
  const unknown = Object.keys(members).filter((name) => !errorMembers.has(name))
  return [
    ...missing.map((name) => ({ path: [name], message: name in members ? 'must be text' : 'is required' })),
    ...unknown.map((name) => ({ path: [name], message: 'unknown field' })),
  ]
}

/** The error of what failed, not null: of a step. */
export const stepError = error.refine((text) => text !== 'null', { error: 'must be an object' })

export const dueAt = moment.nullable()
export const leaseSeconds = z.int().min(5).max(3600)
export const fence = z.int().min(0)
export const executionPath = z.object({ id })

export const status = z.enum(executionStatuses)

const identityShape = {
  id,
  workflowId: id,
  workflowName: z.string(),
  versionNumber: z.int(),
  userId: id.nullable(),
  scheduleId: id.nullable().meta({ description: 'Of the schedule that started it.' }),
  status,
}

const progressShape = {
  error: z.object({ code: z.string(), message: z.string(), details: z.unknown().optional() }).nullable(),
  attempts: z.int().meta({ description: 'How often it was claimed.' }),
  maxAttempts: z.int(),
  fence: z.int().meta({ description: 'Workers send this with every write.' }),
  leaseUntil: instant.nullable(),
  dueAt: instant.nullable(),
  waitFor: z.array(z.string()).nullable().meta({ description: 'Names of the signals that end its pause.' }),
  createdAt: instant,
  startedAt: instant.nullable(),
  completedAt: instant.nullable(),
  updatedAt: instant,
}

const summaryShape = { ...identityShape, ...progressShape }
const documentsShape = { input: z.unknown(), state: z.unknown() }

export const executionSummarySchema = z.object(summaryShape).meta({ id: 'ExecutionSummary' })

export const executionSchema = z.object({ ...summaryShape, ...documentsShape }).meta({ id: 'Execution' })

export const claimedExecutionSchema = z
  .object({
    ...summaryShape,
    ...documentsShape,
    definition: z.record(z.string(), z.unknown()),
    steps: z
      .array(stepSchema)
      .nullable()
      .optional()
      .meta({ description: 'Where the claim asks for them; null where they do not fit into the answer.' }),
  })
  .meta({ id: 'ClaimedExecution' })

export function executionResponse(execution: ExecutionView): RouteResponse {
  return jsonResponse(200, executionJson(execution))
}

/** A new execution, with where it is. */
export function createdResponse(execution: ExecutionView): TextResponse {
  const location = `/v1/executions/${encodeURIComponent(execution.id)}`
  return jsonResponse(201, executionJson(execution), { Location: location })
}

export function claimedExecutionJson(claimed: ClaimedWithSteps) {
  const { steps } = claimed
  return {
    ...executionJson(claimed),
    definition: new ExactJson(claimed.definition),
    ...(steps === undefined ? {} : { steps: steps === null ? null : steps.map(stepJson) }),
  }
}

const executionMembers = membersOf(z.object({ ...identityShape, ...documentsShape, ...progressShape }))
const summaryMembers = membersOf(executionSummarySchema)

export function executionJson(execution: ExecutionView) {
  const { input: given, state: reported } = execution
  return executionMembers({ ...execution, ...progressJson(execution), input: exact(given), state: exact(reported) })
}

export function executionSummaryJson(execution: ExecutionSummary) {
  return summaryMembers({ ...execution, ...progressJson(execution) })
}

function progressJson({ error: failure, waitFor }: ExecutionSummary) {
  return { error: exact(failure), waitFor: waitFor === null ? null : decodeSignalNames(waitFor) }
}
