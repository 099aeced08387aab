import type { JsonText } from '@millrace/client'

/** Answers of routes that the client has no methods for yet, as the API's page on its contract has them. */

export interface Schedule {
  readonly id: string
  readonly workflowId: string
  readonly name: string
  readonly cron: string
  readonly timeZone: string
  readonly input: JsonText
  readonly maxAttempts: number
  readonly isEnabled: boolean
  readonly disabledReason: string | null
  readonly overlap: 'allow' | 'skip'
  readonly catchUp: 'latest' | 'none'
  readonly nextAt: string | null
  readonly lastAt: string | null
  readonly lastExecutionId: string | null
  readonly revision: number
  readonly createdBy: string | null
  readonly createdAt: string
  readonly updatedAt: string
  /** Of one schedule alone, not in lists. */
  readonly next?: readonly string[]
}

export interface AuditEvent {
  readonly id: string
  readonly at: string
  readonly type: string
  readonly actor: { readonly kind: string; readonly userId: string | null; readonly id: string | null }
  readonly subject: { readonly type: string; readonly id: string | null }
  readonly workflowId: string | null
  readonly data: JsonText
  readonly network: string | null
  readonly requestId: string | null
}

export interface AdministeredUser {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly role: 'user' | 'admin'
  readonly createdAt: string
  readonly disabledAt: string | null
}

export interface Backup {
  readonly name: string
  readonly bytes: number | null
  readonly rows: number | null
  readonly createdAt: string
  readonly encrypted: boolean
  readonly verifiedAt: string | null
  readonly drilledAt: string | null
  readonly result: string
}

export interface Finding {
  readonly id: string
  readonly level: 'ok' | 'warn' | 'fail'
  readonly message: string
  readonly fix: string
  readonly sql?: string
}

export interface Pool {
  readonly size: number
  readonly checkedOut: number
  readonly overflow: number
  readonly waiting: number
}

export interface ServiceStatus {
  readonly version: string
  readonly dialect: string
  readonly schema: number
  readonly pendingMigrations: readonly string[]
  readonly pool: Pool | null
  readonly lastBackups: readonly Backup[]
  readonly findings: readonly Finding[]
}
