/** What should notice that a write's condition lacks a term. */
export const suites = [
  // Without those that need a gateway, or the Worker itself, or reach no term.
  'test/contract/!(openapi|api-page|documents|diff|environment|metrics|every-route|errors|alike|trips|tokens|database-codes|admin-status).test.ts',
  'test/executions/!(killed).test.ts',
  'test/schedules/serve.test.ts',
  'test/audit/*.test.ts',
  'test/db/{accounts,backups,expiry}.test.ts',
  'test/races/*.test.ts',
  'test/faults/!(*.long).test.ts',
  'test/backups/!(page).test.ts',
  'test/archive/notes-during-restore.test.ts',
  'test/serial/{serial,effects,standing}.test.ts',
  'test/serve/jobs.test.ts',
  // Some terms keep a plan from reading more than it needs.
  'test/plans/{executions,kept-plan,many-executions}.test.ts',
]
