export { Failure } from './failure.ts'
export type { FailureCode } from './failure-code.ts'
