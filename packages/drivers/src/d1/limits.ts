import type { TransportLimits } from '@millrace/db/sql/transport'

/** What D1 takes: https://developers.cloudflare.com/d1/platform/limits/; of parameters `numbered` has more fit. */
export const d1Limits = {
  maxParameters: 100,
  // A Worker has 1,000 queries an invocation (50 on the free plan), and a batch's statements are counted one by one.
  maxBatchStatements: 500,
  maxStatementBytes: 2_000_000,
  maxRowBytes: 2_000_000,
  maxStatementSeconds: 30,
} as const satisfies TransportLimits
