import type { TableDigests } from '@millrace/db/archive/digest'

/** One line per table: its rows and the beginning of its digest. */
export function tableLines(tables: TableDigests): readonly string[] {
  return Object.entries(tables).map(
    ([name, { rows, sha256 }]) =>
      `  ${name.padEnd(17)}  ${rows.toLocaleString('en-US').padStart(11)} rows  ${sha256.slice(0, 16)}…`,
  )
}
