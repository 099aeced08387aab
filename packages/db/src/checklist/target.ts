import type { Target } from '../url/index.ts'
import { fail, ok, type Finding } from './finding.ts'

/** `sqlite.production`: by the URL alone. */
export function checkTarget({ dialect, via }: Target): Finding {
  const id = 'sqlite.production'
  if (via === 'libsql') return ok(id, 'libSQL is reached as a server.')
  if (via === 'd1') return ok(id, 'The data is in D1.')
  if (via !== 'file') return ok(id, `The data is on a server (${dialect}).`)
  return fail(
    id,
    'The database is a SQLite file: one machine, one writer, no replica.',
    'Set DATABASE_URL to PostgreSQL, MySQL or MariaDB, and move the rows with `millrace copy`.',
  )
}
