import type { Finding } from '@millrace/db/checklist/finding'
import type { ExecutionStatus } from '@millrace/db/schema/schema'

/** A backup as docs/contract/api.md has it. */
export interface ShownBackup {
  readonly name: string
  readonly bytes: number | null
  readonly rows: number | null
  readonly createdAt: string
  readonly encrypted: boolean
  readonly verifiedAt: string | null
  readonly drilledAt: string | null
  readonly result: string
}

/** A finding of the checklist; a newer deployment may have ids that this version does not know. */
export type ShownFinding = Omit<Finding, 'id'> & { readonly id: string }

/** How a service stands, in one look. What could not be read is null. */
export interface ServiceStatus {
  /** Whether no check of the production checklist fails. */
  readonly ok: boolean
  readonly version: string
  readonly dialect: string
  /** Number of the newest migration that the code needs. */
  readonly schema: number
  readonly pendingMigrations: readonly string[] | null
  readonly restoreInProgress: boolean
  readonly executions: Readonly<Record<ExecutionStatus, number>> | null
  readonly schedules: { readonly due: number } | null
  readonly lastBackup: ShownBackup | null
  readonly findings: { readonly ok: number; readonly warn: number; readonly fail: number }
  /** The first of those that are worst; null where nothing is to be told. */
  readonly worst: ShownFinding | null
}

export interface FoundStatus {
  /** Where it was read, without secrets. */
  readonly shown: string
  readonly status: ServiceStatus
}

/** What the findings add up to. */
export function summaryOf(findings: readonly ShownFinding[]): Pick<ServiceStatus, 'ok' | 'findings' | 'worst'> {
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  const counts = { ok: count('ok'), warn: count('warn'), fail: count('fail') }
  const worstLevel = counts.fail > 0 ? 'fail' : 'warn'
  return { ok: counts.fail === 0, findings: counts, worst: findings.find(({ level }) => level === worstLevel) ?? null }
}
