export { createClient, type Client, type ClientOptions } from './client.ts'
export type * from './contract.ts'
export {
  ConnectionError,
  DeadlineError,
  ProblemError,
  UnexpectedAnswerError,
  type ErrorCode,
  type FieldError,
} from './errors.ts'
export {
  pathOf,
  read,
  readItems,
  type Ask,
  type CallOptions,
  type KeyedCallOptions,
  type Question,
} from './exchange/asking.ts'
export { memoryTokenStore, type Tokens, type TokenStore } from './exchange/credentials.ts'
export { listed, type ListOptions, type Page, type Pages } from './exchange/pages.ts'
export { defaultRetryPolicy, type RetryPolicy } from './exchange/retry.ts'
export { exactJson, parseJson, toJson, type JsonText } from './json-text.ts'
export type { EventOptions } from './resources/events.ts'
export type { ChangeOptions } from './resources/settings.ts'
export type { SeenWorkflow } from './resources/workflows.ts'
export type { Handler, Outcome, WorkEvent, WorkOptions } from './working/contract.ts'
export type { Duration } from './working/durable/duration.ts'
export {
  FatalError,
  RunEndedError,
  StepFailedError,
  StepKeyError,
  StepOutputError,
  WaitTimedOutError,
} from './working/durable/errors.ts'
export type { Run } from './working/durable/run.ts'
export type { Act, Acting, StepOptions } from './working/durable/step.ts'
export type { WaitOptions } from './working/durable/waits.ts'
export { LeaseLostError } from './working/lease.ts'
