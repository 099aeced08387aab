/** What should notice that a write's condition lacks a term. */
export const suites = [
  'test/contract/!(openapi|api-page|documents|diff|environment|metrics|every-route|errors|alike).test.ts',
  'test/executions/!(killed).test.ts',
  'test/schedules/serve.test.ts',
  'test/audit/*.test.ts',
  'test/db/{accounts,expiry,guarded-writes}.test.ts',
  'test/races/*.test.ts',
  'test/faults/!(*.long).test.ts',
  'test/backups/*.test.ts',
  'test/serial/serial.test.ts',
]
