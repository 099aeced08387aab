import type { Caller, Origin } from '@millrace/db/access/access'
import type { Finding } from '@millrace/db/checklist/finding'
import type { PoolStatus } from '@millrace/db/sql/transport'
import type { Readiness } from '@millrace/db/store/readiness'
import type { Store } from '@millrace/db/store/store'
import type { ReadAsset } from '../assets.ts'
import type { ScheduledBackups } from '../backups/scheduled.ts'
import type { AccessTokens } from '../auth/tokens.ts'
import type { Log } from '../log.ts'
import type { IsolateMetrics } from '../metrics/isolate.ts'
import type { HeldScopes } from '../scopes.ts'
import type { Settings } from '../settings.ts'

/** What a service acts with: the caller's standing is decided by the store's statements, never here. */
export interface Context {
  readonly store: Store
  /** Throws what keeps requests from being served. */
  readonly readiness: () => Promise<Readiness>
  /** Names of the migrations that the database lacks. */
  readonly pendingMigrations: () => Promise<readonly string[]>
  /** Of the gateway, where one serves the database. */
  readonly poolStatus: () => Promise<PoolStatus | undefined>
  /** Runs the production checklist, given the migrations that are applied. */
  readonly checklist: (applied: readonly string[]) => Promise<readonly Finding[]>
  readonly metrics: IsolateMetrics
  readonly caller: Caller
  /** Which request this is, and from where: the caller's, or an anonymous one's. */
  readonly origin: Origin
  /** The session that the caller's access token belongs to. */
  readonly sessionId: string | undefined
  /** What the caller's API key may; undefined for a logged-in user. */
  readonly scopes: HeldScopes
  /** When the caller's API key expires; null for one that does not, and for a logged-in user. */
  readonly expiresAt: Date | null
  readonly clock: () => Date
  /** Of the answer, whose problem details name it. */
  readonly requestId: string
  readonly log: Log
  readonly settings: ApiSettings
  readonly tokens: AccessTokens
  /** Undefined where the functions were deployed without files. */
  readonly readAsset: ReadAsset | undefined
  /** Undefined where no bucket is bound. */
  readonly backups: ScheduledBackups | undefined
  /** Does what the answer does not wait for. */
  readonly afterwards: (work: () => Promise<void>) => void
}

/** The settings that answers depend on. */
export type ApiSettings = Pick<
  Settings,
  | 'registration'
  | 'rateLimits'
  | 'mailWebhook'
  | 'trustedProxies'
  | 'bcryptCost'
  | 'settingsKeys'
  | 'maxBodyBytes'
  | 'corsOrigins'
  | 'slowQueryMilliseconds'
  | 'logLevel'
  | 'backupRecipients'
>
