import type { AppType } from '@millrace/api/app-type'
import type { hc, InferRequestType, InferResponseType } from 'hono/client'
import type { JsonText } from './json-text.ts'

/** Each route of the API as Hono's typed client calls it. */
// An interface, so that declarations name it in place of writing out every route.
export interface Rpc extends ReturnType<typeof hc<AppType>> {}

type V1 = Rpc['v1']

/** With the named members as exact JSON text, in place of what a parser makes of it. */
type Exact<Members, Names extends string> = Omit<Members, Names> & {
  readonly [Name in keyof Pick<Members, keyof Members & Names>]: JsonText | OnlyUndefined<Members[Name]>
}

type OnlyUndefined<Value> = undefined extends Value ? (unknown extends Value ? never : undefined) : never

type ItemOf<List> = List extends { readonly items: readonly (infer Item)[] } ? Item : never
type BodyOf<Call> = InferRequestType<Call> extends { json?: infer Body } ? NonNullable<Body> : never
type QueryOf<Call> = InferRequestType<Call> extends { query?: infer Query } ? NonNullable<Query> : never
/** A list's filters; where the pages begin and end is the iterator's. */
type FiltersOf<Call> = Omit<QueryOf<Call>, 'cursor' | 'limit'>

export type User = InferResponseType<V1['auth']['me']['$get'], 200>
export type LoggedIn = InferResponseType<V1['auth']['login']['$post'], 200>
export type Registration = BodyOf<V1['auth']['register']['$post']>
export type Credentials = BodyOf<V1['auth']['login']['$post']>
export type PasswordChange = BodyOf<V1['auth']['password']['$post']>
export type Session = ItemOf<InferResponseType<V1['auth']['sessions']['$get'], 200>>

export type ApiKey = ItemOf<InferResponseType<V1['api-keys']['$get'], 200>>
export type MadeApiKey = InferResponseType<V1['api-keys']['$post'], 201>
export type NewApiKey = BodyOf<V1['api-keys']['$post']>

export type Workflow = Exact<InferResponseType<V1['workflows'][':id']['$get'], 200>, 'definition'>
export type WorkflowSummary = ItemOf<InferResponseType<V1['workflows']['$get'], 200>>
export type WorkflowFilters = FiltersOf<V1['workflows']['$get']>
export type NewWorkflow = Exact<BodyOf<V1['workflows']['$post']>, 'definition'>
export type WorkflowChange = Exact<BodyOf<V1['workflows'][':id']['$patch']>, 'definition'>

type VersionRoutes = V1['workflows'][':id']['versions']
export type Version = Exact<InferResponseType<VersionRoutes[':n']['$get'], 200>, 'definition'>
export type VersionSummary = ItemOf<InferResponseType<VersionRoutes['$get'], 200>>
export type Restoration = BodyOf<VersionRoutes[':n']['restore']['$post']>
/** `patch` is an RFC 6902 JSON Patch; its values are exact text. */
export type Difference = Exact<InferResponseType<VersionRoutes[':a']['diff'][':b']['$get'], 200>, 'patch'>

type ShareRoutes = V1['workflows'][':id']['shares']
export type Share = ItemOf<InferResponseType<ShareRoutes['$get'], 200>>
export type NewShare = BodyOf<ShareRoutes['$post']>

type ExecutionRoutes = V1['executions']
export type Execution = Exact<InferResponseType<ExecutionRoutes[':id']['$get'], 200>, 'input' | 'state'>
export type ExecutionSummary = ItemOf<InferResponseType<ExecutionRoutes['$get'], 200>>
export type ExecutionFilters = FiltersOf<ExecutionRoutes['$get']>
export type ExecutionError = NonNullable<ExecutionSummary['error']>
export type NewExecution = Exact<BodyOf<V1['workflows'][':id']['executions']['$post']>, 'input'>
export type Claim = BodyOf<ExecutionRoutes['claim']['$post']>
type StepRoutes = ExecutionRoutes[':id']['steps']
/** What was done once in an execution and is not done again. */
export type RecordedStep = Exact<InferResponseType<StepRoutes[':key']['$get'], 200>, 'output'>
export type NewStep = Pick<RecordedStep, 'key'> &
  ({ readonly output: JsonText } | { readonly error: ExecutionError }) & {
    readonly attempt?: number
    readonly startedAt?: string
  }
export type RecordedSteps = InferResponseType<StepRoutes['$post'], 200>
/** One thing that happened to an execution. Members that do not apply are null. */
export type HistoryEntry = ItemOf<InferResponseType<ExecutionRoutes[':id']['history']['$get'], 200>>
/** A message to an execution. `seq` is that of its entry in the history. */
export type Signal = Exact<ItemOf<InferResponseType<ExecutionRoutes[':id']['signals']['$get'], 200>>, 'payload'>
export type NewSignal = Exact<BodyOf<ExecutionRoutes[':id']['signals']['$post']>, 'payload'>
export type SignalFilters = FiltersOf<ExecutionRoutes[':id']['signals']['$get']>
export type ClaimedExecution = Exact<
  Omit<ItemOf<InferResponseType<ExecutionRoutes['claim']['$post'], 200>>, 'steps'>,
  'input' | 'state' | 'definition'
> & {
  /** All of them, oldest first, where the claim asks for them; null where they are too large for the answer. */
  readonly steps?: readonly RecordedStep[] | null
}
export type Heartbeat = BodyOf<ExecutionRoutes[':id']['heartbeat']['$post']>
export type Lease = InferResponseType<ExecutionRoutes[':id']['heartbeat']['$post'], 200>
export type Report = Omit<Exact<BodyOf<ExecutionRoutes[':id']['$patch']>, 'state'>, 'error'> & {
  readonly error?: ExecutionError | null
}

/** `data` is exact text but for white space and escapes; a secret in it is named, not shown. */
export type Settings = Exact<InferResponseType<V1['settings']['$get'], 200>, 'data'>

type ScheduleRoutes = V1['schedules'][':id']
export type Schedule = Exact<ItemOf<InferResponseType<V1['workflows'][':id']['schedules']['$get'], 200>>, 'input'>
/** A schedule that is read alone: with up to five of its planned times to come. */
export type PlannedSchedule = Schedule & Pick<InferResponseType<ScheduleRoutes['$get'], 200>, 'next'>
export type NewSchedule = Exact<BodyOf<V1['workflows'][':id']['schedules']['$post']>, 'input'>
export type ScheduleChange = Exact<BodyOf<ScheduleRoutes['$patch']>, 'input'>

export type AuditEvent = Exact<ItemOf<InferResponseType<V1['audit']['$get'], 200>>, 'data'>
export type AuditFilters = FiltersOf<V1['audit']['$get']>

export type AdministeredUser = ItemOf<InferResponseType<V1['admin']['users']['$get'], 200>>
export type UserFilters = FiltersOf<V1['admin']['users']['$get']>
export type UserChange = BodyOf<V1['admin']['users'][':id']['$patch']>
export type Backup = ItemOf<InferResponseType<V1['admin']['backups']['$get'], 200>>
export type ServiceStatus = InferResponseType<V1['admin']['status']['$get'], 200>
/** One finding of the production checklist. */
export type Finding = ServiceStatus['findings'][number]
