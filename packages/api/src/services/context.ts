import type { Caller, Origin, UserCaller } from '@millrace/db/access/access'
import type { Finding } from '@millrace/db/checklist/finding'
import type { PoolStatus } from '@millrace/db/sql/transport'
import type { Readiness } from '@millrace/db/store/readiness'
import type { Store } from '@millrace/db/store/store'
import type { ScheduledBackups } from '../backups/scheduled.ts'
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
  readonly log: Log
  readonly settings: ApiSettings
  /** Undefined where no bucket is bound. */
  readonly backups: ScheduledBackups | undefined
  /** Aborts when the process is about to end: what goes on for long ends early. */
  readonly stopping: AbortSignal | undefined
  /** Does what the answer does not wait for. */
  readonly afterwards: (work: () => Promise<void>) => void
}

/** The context of a user's request; what only users may do takes no other. */
export interface UserContext extends Context {
  readonly caller: UserCaller
}

export function hasUser<Given extends Context>(context: Given): context is Given & UserContext {
  return context.caller.kind === 'user'
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
