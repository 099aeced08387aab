export { Failure, type FailureCode } from './failure.ts'
