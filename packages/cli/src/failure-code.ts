import type { ErrorCode } from '@millrace/api/errors'

/** docs/contract/cli.md's closed list: the API's codes, and the command line's own. */
export type FailureCode =
  | ErrorCode
  | 'usage'
  | 'settings_invalid'
  | 'url_invalid'
  | 'file_exists'
  | 'file_missing'
  | 'archive_damaged'
  | 'archive_newer'
  | 'not_empty'
  | 'migration_changed'
  | 'rows_refused'
  | 'port_taken'
