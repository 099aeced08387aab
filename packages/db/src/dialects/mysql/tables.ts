import { defineTables } from '../../schema/schema.ts'
import { mysqlColumnKit } from './kit.ts'

/** Each table by itself, as drizzle-kit wants them. */
export const {
  users,
  workflows,
  workflowVersions,
  workflowShares,
  executions,
  executionHistory,
  schedules,
  audit,
  settings,
  sessions,
  passwordResets,
  apiKeys,
  idempotencyKeys,
  loginAttempts,
  backups,
} = defineTables(mysqlColumnKit)
