import type { Trouble } from '@millrace/db/sql/troubles'
import type { FailureCode } from './failure-code.ts'

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

/** Headings of docs/troubleshooting.md, which is written by them. */
export const troubleTitles: Partial<Record<Trouble, string>> = {
  database_unreachable: 'Gateway not reached, or the connection broke',
  connection_refused: 'Connection refused',
  unknown_host: 'Unknown host',
  database_auth_failed: 'Wrong password',
  permission_denied: 'Permission denied',
  database_missing: 'Database does not exist',
  tls_required: 'TLS required',
  tls_unsupported: 'Server without TLS',
  certificate_untrusted: 'Certificate not trusted',
  too_many_connections: 'Too many connections',
  pool_exhausted: 'Connection pool exhausted',
  deadlock: 'Deadlock',
  lock_wait: 'Lock timeout',
  statement_timeout: 'Statement timeout',
  disk_full: 'Disk full',
  read_only: 'Read-only database',
  database_schema_outdated: 'Schema mismatch',
  json_unsupported: 'JSON unsupported',
}

/** The section of a trouble of the database. */
export function pageOfTrouble(trouble: Trouble): string {
  const title = troubleTitles[trouble]
  return title === undefined ? troubleshooting : `${troubleshooting}#${anchorOf(title)}`
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')
}
