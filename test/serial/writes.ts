import { ofAccounts } from './writes-of-accounts.ts'
import { ofBackups } from './writes-of-backups.ts'
import { ofJobs } from './jobs.ts'
import { ofExecutions } from './writes-of-executions.ts'
import { ofSchedules } from './writes-of-schedules.ts'
import { ofWorkflows } from './writes-of-workflows.ts'
import type { Write } from './write.ts'

/** Every write that the explorer steps. */
export const writes: readonly Write[] = [
  ...ofWorkflows,
  ...ofExecutions,
  ...ofSchedules,
  ...ofAccounts,
  ...ofJobs,
  ...ofBackups,
]
