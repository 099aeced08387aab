import type { CheckId } from './checks.ts'

/** What a check found, as `millrace doctor` and `/v1/admin/status` tell it. */
export interface Finding {
  readonly id: CheckId
  readonly level: 'ok' | 'warn' | 'fail'
  /** What was found; without a secret, a parameter or a document. */
  readonly message: string
  /** The command or setting that mends it; empty where nothing needs mending. */
  readonly fix: string
  /** The statement that mends it, where one does. */
  readonly sql?: string
}

export function ok(id: CheckId, message: string): Finding {
  return { id, level: 'ok', message, fix: '' }
}

export function warn(id: CheckId, message: string, fix: string): Finding {
  return { id, level: 'warn', message, fix }
}

export function fail(id: CheckId, message: string, fix: string): Finding {
  return { id, level: 'fail', message, fix }
}

/** What can't be told is never told as right. */
export function notChecked(id: CheckId, reason: string, fix: string): Finding {
  return warn(id, `Not checked: ${reason}`, fix)
}

export function allNotChecked(ids: readonly CheckId[], reason: string, fix: string): readonly Finding[] {
  return ids.map((id) => notChecked(id, reason, fix))
}

/** A finding with the statement that mends it, where there is one. */
export function withSql(finding: Finding, sql: string | undefined): Finding {
  return sql === undefined ? finding : { ...finding, sql }
}
