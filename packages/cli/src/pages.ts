import type { Trouble } from '@millrace/db/sql/troubles'
import type { FailureCode } from './failure.ts'
import { anchorOf, troublePages } from './trouble-pages.ts'

const troubleshooting = 'docs/troubleshooting.md'

/** Where a code has a page of its own; what the API refuses is told in its reference. */
const pages: Partial<Record<FailureCode, string | undefined>> = {
  // The help of the command tells it.
  usage: undefined,
  settings_invalid: 'docs/command-line.md#settings',
  url_invalid: 'docs/databases.md',
  file_exists: 'docs/command-line.md#files',
  file_missing: 'docs/command-line.md#files',
  archive_damaged: 'docs/backups.md#is-it-whole',
  archive_newer: 'docs/backups.md#is-it-whole',
  not_empty: 'docs/backups.md#restoring-in-full',
  restore_in_progress: 'docs/backups.md#restoring-in-full',
  migration_changed: 'docs/migrations.md',
  database_schema_outdated: 'docs/migrations.md',
  rows_refused: 'docs/moving.md',
  port_taken: 'docs/command-line.md#ports',
  internal: troubleshooting,
  database_unreachable: troubleshooting,
  database_auth_failed: troubleshooting,
  database_missing: troubleshooting,
  database_busy: troubleshooting,
  database_timeout: troubleshooting,
}

/** The page that tells more of a code; undefined where there is none. */
export function pageOf(code: FailureCode): string | undefined {
  return code in pages ? pages[code] : 'docs/api.md'
}

/** The section of a trouble of the database. */
export function pageOfTrouble(trouble: Trouble): string {
  const page = troublePages.find((candidate) => candidate.trouble === trouble)
  return page === undefined ? troubleshooting : `${troubleshooting}#${anchorOf(page.title)}`
}
