import { sqlite } from '@millrace/db/dialects/sqlite/dialect'
import { withRowLimit } from '@millrace/db/dialects/sqlite/row-limit'
import type { Dialect } from '@millrace/db/sql/dialect'
import { d1Limits } from './limits.ts'

/** SQLite; what D1 does beyond the rows that it promises to take is not known, so a batch that leaves one is ended. */
export const d1Dialect: Dialect = withRowLimit(sqlite, d1Limits.maxRowBytes)
