import { sql, type Column } from 'drizzle-orm'
import type { ColumnKit } from '../dialects/sqlite/kit.ts'
import { auditActorKinds, type AuditActorKind, type AuditSubject, type AuditType } from './audit-types.ts'

export const executionStatuses = ['pending', 'running', 'paused', 'completed', 'failed', 'cancelled'] as const
export type ExecutionStatus = (typeof executionStatuses)[number]

/** What one user may be granted on another's workflow. */
export const sharePermissions = ['view', 'execute', 'edit'] as const
export type SharePermission = (typeof sharePermissions)[number]

export const roles = ['user', 'admin'] as const
export type Role = (typeof roles)[number]

/** What an entry in an execution's history tells of. */
export const historyTypes = [
  'created',
  'claimed',
  'step',
  'signal',
  'paused',
  'resumed',
  'released',
  'lease_expired',
  'completed',
  'failed',
  'cancelled',
] as const
export type HistoryType = (typeof historyTypes)[number]

/** Whether a schedule starts an execution while its last one is unfinished. */
export const scheduleOverlaps = ['allow', 'skip'] as const
export type ScheduleOverlap = (typeof scheduleOverlaps)[number]

/** What a schedule does about planned times that nobody served: starts one for the newest of them, or none. */
export const scheduleCatchUps = ['latest', 'none'] as const
export type ScheduleCatchUp = (typeof scheduleCatchUps)[number]

/** Name of the mark whose value says that a restore is under way; the migrator makes its row once and for all. */
export const restoreMark = 'restore'

/** Name of the mark that is the lease of the run that takes a backup, and says what that run has begun. */
export const backupMark = 'backup'

/**
 * Every table, once, in terms of a column kit. Property names are the API's; column names are the guide's. Unique
 * indexes are named `<table>_<columns>_unique`: the dialects' error readers rely on it.
 */
// oxlint-disable-next-line max-lines-per-function -- a table of data: one declaration after the other
export function defineTables(kit: ColumnKit) {
  const { table, id, text, json, instant, flag, count } = kit

  const users = table(
    'users',
    {
      id: id('id').primaryKey(),
      username: text('username', 255).notNull(),
      email: text('email', 255).notNull(),
      passwordHash: text('password_hash', 255).notNull(),
      createdAt: instant('created_at').notNull(),
      usernameKey: text('username_key', 255).notNull(),
      emailKey: text('email_key', 255).notNull(),
      role: text('role', 16).$type<Role>().notNull(),
      disabledAt: instant('disabled_at'),
      tokensValidFrom: instant('tokens_valid_from').notNull(),
      updatedAt: instant('updated_at').notNull(),
    },
    (t) => [
      kit.uniqueIndex('users_username_unique').on(t.username),
      kit.uniqueIndex('users_email_unique').on(t.email),
      kit.uniqueIndex('users_username_key_unique').on(t.usernameKey),
      kit.uniqueIndex('users_email_key_unique').on(t.emailKey),
      kit.index('users_created_at_id_index').on(t.createdAt, t.id),
      kit.check('users_role_check', oneOf(t.role, roles)),
    ],
  )

  const workflows = table(
    'workflows',
    {
      id: id('id').primaryKey(),
      name: text('name', 255).notNull(),
      description: text('description'),
      // Before `definition`: drizzle sets columns in this order, MySQL evaluates `set` from left to right, and the
      // version's next number depends on whether the old definition differs.
      versionNumber: count('version_number').notNull(),
      definition: json('definition').notNull(),
      ownerId: id('owner_id').references(() => users.id),
      isPublic: flag('is_public').notNull(),
      createdAt: instant('created_at').notNull(),
      updatedAt: instant('updated_at').notNull(),
      revision: count('revision').notNull(),
      lastOp: id('last_op'),
      nameKey: text('name_key').notNull(),
      /** When it came by transfer; null again once its new owner has changed it or started it. */
      transferredAt: instant('transferred_at'),
    },
    (t) => [
      kit.index('workflows_owner_id_created_at_id_index').on(t.ownerId, t.createdAt, t.id),
      kit.index('workflows_owner_id_updated_at_id_index').on(t.ownerId, t.updatedAt, t.id),
      kit.index('workflows_is_public_created_at_id_index').on(t.isPublic, t.createdAt, t.id),
      ...kit.jsonChecks('workflows', [t.definition]),
    ],
  )

  const workflowVersions = table(
    'workflow_versions',
    {
      id: id('id').notNull(),
      workflowId: id('workflow_id')
        .notNull()
        .references(() => workflows.id),
      versionNumber: count('version_number').notNull(),
      definition: json('definition').notNull(),
      changeNotes: text('change_notes'),
      createdBy: id('created_by').references(() => users.id),
      createdAt: instant('created_at').notNull(),
    },
    (t) => [
      kit.primaryKey({ name: 'workflow_versions_pk', columns: [t.workflowId, t.versionNumber] }),
      kit.uniqueIndex('workflow_versions_id_unique').on(t.id),
      // Of a user who leaves: what is theirs loses the name.
      kit.index('workflow_versions_created_by_index').on(t.createdBy),
      ...kit.jsonChecks('workflow_versions', [t.definition]),
    ],
  )

  const workflowShares = table(
    'workflow_shares',
    {
      id: id('id').primaryKey(),
      workflowId: id('workflow_id')
        .notNull()
        .references(() => workflows.id),
      sharedWithUserId: id('shared_with_user_id')
        .notNull()
        .references(() => users.id),
      permission: text('permission', 16).$type<SharePermission>().notNull(),
      createdAt: instant('created_at').notNull(),
      sharedBy: id('shared_by').references(() => users.id),
    },
    (t) => [
      kit.uniqueIndex('workflow_shares_workflow_id_shared_with_user_id_unique').on(t.workflowId, t.sharedWithUserId),
      kit.index('workflow_shares_shared_with_user_id_workflow_id_index').on(t.sharedWithUserId, t.workflowId),
      kit.index('workflow_shares_shared_by_index').on(t.sharedBy),
      kit.check('workflow_shares_permission_check', oneOf(t.permission, sharePermissions)),
    ],
  )

  const executions = table(
    'executions',
    {
      id: id('id').primaryKey(),
      workflowId: id('workflow_id')
        .notNull()
        .references(() => workflows.id),
      userId: id('user_id').references(() => users.id),
      status: text('status', 16).$type<ExecutionStatus>().notNull(),
      state: json('state'),
      startedAt: instant('started_at'),
      completedAt: instant('completed_at'),
      versionNumber: count('version_number').notNull(),
      input: json('input'),
      error: json('error'),
      attempts: count('attempts').notNull(),
      maxAttempts: count('max_attempts').notNull(),
      fence: count('fence').notNull(),
      leaseOwner: text('lease_owner', 100),
      leaseUntil: instant('lease_until'),
      dueAt: instant('due_at'),
      createdAt: instant('created_at').notNull(),
      updatedAt: instant('updated_at').notNull(),
      lastOp: id('last_op'),
      /** Names of signals that end its pause, as a JSON list; a signal looks for its own in the text. */
      waitFor: text('wait_for'),
      /** The schedule that started it. No foreign key: an execution tells where it came from when that is gone. */
      scheduleId: id('schedule_id'),
      /**
       * The `seq` of the newest entry in `execution_history` that a write of this row left: where a statement's snapshot is
       * older than the lock it waited for, it knows more than `max(seq)`. A default, since older code inserts without it.
       */
      lastSeq: count('last_seq')
        .notNull()
        .default(sql`0`),
    },
    (t) => [
      kit.index('executions_workflow_id_created_at_id_index').on(t.workflowId, t.createdAt, t.id),
      kit.index('executions_user_id_created_at_id_index').on(t.userId, t.createdAt, t.id),
      kit.index('executions_created_at_id_index').on(t.createdAt, t.id),
      // A claim's order: by `due_at`, and where that is null by `created_at`.
      kit.index('executions_status_due_at_created_at_id_index').on(t.status, t.dueAt, t.createdAt, t.id),
      kit
        .index('executions_workflow_id_status_due_at_created_at_id_index')
        .on(t.workflowId, t.status, t.dueAt, t.createdAt, t.id),
      kit.index('executions_status_lease_until_id_index').on(t.status, t.leaseUntil, t.id),
      ...kit.indexesOfLockingReads(
        'executions_workflow_id_status_lease_until_id_index',
        t.workflowId,
        t.status,
        t.leaseUntil,
        t.id,
      ),
      // Only ended ones have a time of completion: retention takes the oldest.
      kit.index('executions_completed_at_id_index').on(t.completedAt, t.id),
      kit.check('executions_status_check', oneOf(t.status, executionStatuses)),
      ...kit.jsonChecks('executions', [t.state, t.input, t.error]),
    ],
  )

  /** Everything that happened to an execution, in its one order. Entries are never changed. */
  const executionHistory = table(
    'execution_history',
    {
      executionId: id('execution_id')
        .notNull()
        .references(() => executions.id),
      seq: count('seq').notNull(),
      type: text('type', 16).$type<HistoryType>().notNull(),
      at: instant('at').notNull(),
      fence: count('fence'),
      worker: text('worker', 100),
      /** The user who did it. No foreign key: the entry stays as it is when the user leaves. */
      actor: id('actor'),
      /** Of a step, unique in its execution; one longer than a key can be, for what keeps a last space from MySQL's padding. */
      key: text('key', 256),
      /** Of a signal; one longer for the same reason. */
      name: text('name', 101),
      output: json('output'),
      error: json('error'),
      payload: json('payload'),
      attempt: count('attempt'),
      startedAt: instant('started_at'),
    },
    (t) => [
      kit.primaryKey({ name: 'execution_history_pk', columns: [t.executionId, t.seq] }),
      kit.uniqueIndex('execution_history_execution_id_key_unique').on(t.executionId, t.key),
      kit.check('execution_history_type_check', oneOf(t.type, historyTypes)),
      ...kit.jsonChecks('execution_history', [t.output, t.error, t.payload]),
    ],
  )

  const schedules = table(
    'schedules',
    {
      id: id('id').primaryKey(),
      workflowId: id('workflow_id')
        .notNull()
        .references(() => workflows.id),
      name: text('name', 255).notNull(),
      cron: text('cron', 255).notNull(),
      timeZone: text('time_zone', 64).notNull(),
      input: json('input'),
      maxAttempts: count('max_attempts').notNull(),
      isEnabled: flag('is_enabled').notNull(),
      disabledReason: text('disabled_reason', 255),
      overlap: text('overlap', 16).$type<ScheduleOverlap>().notNull(),
      catchUp: text('catch_up', 16).$type<ScheduleCatchUp>().notNull(),
      /** The planned time that is served next; null while it is disabled. */
      nextAt: instant('next_at'),
      lastAt: instant('last_at'),
      /** No foreign key: that execution may be deleted. */
      lastExecutionId: id('last_execution_id'),
      revision: count('revision').notNull(),
      createdBy: id('created_by').references(() => users.id),
      createdAt: instant('created_at').notNull(),
      updatedAt: instant('updated_at').notNull(),
      lastOp: id('last_op'),
    },
    (t) => [
      kit.index('schedules_workflow_id_created_at_id_index').on(t.workflowId, t.createdAt, t.id),
      kit.index('schedules_created_by_index').on(t.createdBy),
      kit.index('schedules_next_at_id_index').on(t.nextAt, t.id),
      kit.check('schedules_overlap_check', oneOf(t.overlap, scheduleOverlaps)),
      kit.check('schedules_catch_up_check', oneOf(t.catchUp, scheduleCatchUps)),
      ...kit.jsonChecks('schedules', [t.input]),
    ],
  )

  /** What was changed, by whom. It outlives users and workflows, so nothing in it is a foreign key. */
  const audit = table(
    'audit',
    {
      id: id('id').primaryKey(),
      at: instant('at').notNull(),
      type: text('type', 64).$type<AuditType>().notNull(),
      actorKind: text('actor_kind', 16).$type<AuditActorKind>().notNull(),
      actorUserId: id('actor_user_id'),
      actorId: text('actor_id', 255),
      subjectType: text('subject_type', 32).$type<AuditSubject>().notNull(),
      subjectId: text('subject_id', 255),
      workflowId: id('workflow_id'),
      /** Who owned the subject at that moment, and so may read the event. */
      ownerId: id('owner_id'),
      data: json('data').notNull(),
      network: id('network'),
      requestId: id('request_id'),
    },
    (t) => [
      kit.index('audit_at_id_index').on(t.at, t.id),
      kit.index('audit_type_at_id_index').on(t.type, t.at, t.id),
      kit.index('audit_actor_user_id_at_id_index').on(t.actorUserId, t.at, t.id),
      kit.index('audit_owner_id_at_id_index').on(t.ownerId, t.at, t.id),
      kit.index('audit_subject_id_at_id_index').on(t.subjectId, t.at, t.id),
      kit.index('audit_workflow_id_at_id_index').on(t.workflowId, t.at, t.id),
      kit.check('audit_actor_kind_check', oneOf(t.actorKind, auditActorKinds)),
      ...kit.jsonChecks('audit', [t.data]),
    ],
  )

  const settings = table(
    'settings',
    {
      id: id('id').primaryKey(),
      userId: id('user_id')
        .notNull()
        .references(() => users.id),
      settingsData: json('settings_data').notNull(),
      createdAt: instant('created_at').notNull(),
      updatedAt: instant('updated_at').notNull(),
      revision: count('revision').notNull(),
      lastOp: id('last_op'),
    },
    (t) => [kit.uniqueIndex('settings_user_id_unique').on(t.userId), ...kit.jsonChecks('settings', [t.settingsData])],
  )

  /** One row per refresh token; the tokens that came from one log-in are a family. */
  const sessions = table(
    'sessions',
    {
      id: id('id').primaryKey(),
      familyId: id('family_id').notNull(),
      userId: id('user_id')
        .notNull()
        .references(() => users.id),
      refreshSha256: id('refresh_sha256').notNull(),
      userAgent: text('user_agent', 512),
      createdAt: instant('created_at').notNull(),
      lastUsedAt: instant('last_used_at').notNull(),
      expiresAt: instant('expires_at').notNull(),
      replacedAt: instant('replaced_at'),
    },
    (t) => [
      kit.uniqueIndex('sessions_refresh_sha256_unique').on(t.refreshSha256),
      // A caller's session is alive while its family has a token that was not replaced.
      kit.index('sessions_family_id_replaced_at_index').on(t.familyId, t.replacedAt),
      kit.index('sessions_user_id_created_at_id_index').on(t.userId, t.createdAt, t.id),
      kit.index('sessions_expires_at_index').on(t.expiresAt),
    ],
  )

  /** What was sent to who forgot a password: it works once. */
  const passwordResets = table(
    'password_resets',
    {
      id: id('id').primaryKey(),
      userId: id('user_id')
        .notNull()
        .references(() => users.id),
      tokenSha256: id('token_sha256').notNull(),
      createdAt: instant('created_at').notNull(),
      expiresAt: instant('expires_at').notNull(),
    },
    (t) => [
      kit.uniqueIndex('password_resets_token_sha256_unique').on(t.tokenSha256),
      kit.index('password_resets_user_id_index').on(t.userId),
      kit.index('password_resets_expires_at_index').on(t.expiresAt),
    ],
  )

  const apiKeys = table(
    'api_keys',
    {
      id: id('id').primaryKey(),
      userId: id('user_id')
        .notNull()
        .references(() => users.id),
      name: text('name', 100).notNull(),
      scopes: text('scopes', 255).notNull(),
      prefix: text('prefix', 64).notNull(),
      keySha256: id('key_sha256').notNull(),
      expiresAt: instant('expires_at'),
      createdAt: instant('created_at').notNull(),
      lastUsedAt: instant('last_used_at'),
    },
    (t) => [
      kit.uniqueIndex('api_keys_key_sha256_unique').on(t.keySha256),
      kit.index('api_keys_user_id_created_at_id_index').on(t.userId, t.createdAt, t.id),
    ],
  )

  const idempotencyKeys = table(
    'idempotency_keys',
    {
      userId: id('user_id')
        .notNull()
        .references(() => users.id),
      idempotencyKey: text('idempotency_key', 255).notNull(),
      fingerprint: id('fingerprint').notNull(),
      status: count('status').notNull(),
      headers: text('headers').notNull(),
      body: text('body').notNull(),
      createdAt: instant('created_at').notNull(),
    },
    (t) => [
      kit.primaryKey({ name: 'idempotency_keys_pk', columns: [t.userId, t.idempotencyKey] }),
      kit.index('idempotency_keys_created_at_index').on(t.createdAt),
    ],
  )

  /** What is limited by count and time: failed log-ins by name and network, accounts and shares made. */
  const loginAttempts = table(
    'login_attempts',
    {
      id: id('id').primaryKey(),
      kind: text('kind', 16).notNull(),
      nameKey: text('name_key', 255).notNull(),
      network: id('network').notNull(),
      attemptedAt: instant('attempted_at').notNull(),
    },
    (t) => [
      kit.index('login_attempts_name_key_attempted_at_index').on(t.kind, t.nameKey, t.attemptedAt),
      kit.index('login_attempts_network_attempted_at_index').on(t.kind, t.network, t.attemptedAt),
      kit.index('login_attempts_attempted_at_index').on(t.attemptedAt),
    ],
  )

  const backups = table(
    'backups',
    {
      name: text('name', 255).primaryKey(),
      bytes: count('bytes'),
      rowCount: count('row_count'),
      sha256: id('sha256'),
      isEncrypted: flag('is_encrypted').notNull(),
      consistency: text('consistency', 16),
      result: text('result', 255).notNull(),
      createdAt: instant('created_at').notNull(),
      verifiedAt: instant('verified_at'),
      drilledAt: instant('drilled_at'),
    },
    (t) => [kit.index('backups_created_at_name_index').on(t.createdAt, t.name)],
  )

  return {
    users,
    workflows,
    workflowVersions,
    workflowShares,
    executions,
    executionHistory,
    schedules,
    audit,
    settings,
    sessions,
    passwordResets,
    apiKeys,
    idempotencyKeys,
    loginAttempts,
    backups,
  }
}

/**
 * The migrator's own tables: it makes them before there is any migration, by `CREATE TABLE IF NOT EXISTS` of each
 * dialect's `migration.ts`, which a test compares with these.
 */
export function defineBookkeeping(kit: ColumnKit) {
  const { table, id, text, instant, count } = kit

  /** Locks, leases, and the restore that is under way. `leaseUntil` is by the database's clock. */
  const marks = table('marks', {
    name: id('name').primaryKey(),
    owner: id('owner'),
    value: text('value'),
    leaseUntil: instant('lease_until'),
  })

  /** One row per migration. One whose `appliedAt` is null broke off after `statementsDone` statements. */
  const migrations = table('migrations', {
    name: id('name').primaryKey(),
    hash: id('hash').notNull(),
    statementsDone: count('statements_done').notNull(),
    /** Statements left out because the server refuses them, as a JSON list of names; null when none. */
    leftOut: text('left_out'),
    appliedAt: instant('applied_at'),
  })

  return { marks, migrations }
}

export type Tables = ReturnType<typeof defineTables> & ReturnType<typeof defineBookkeeping>

function oneOf(column: Column, values: readonly string[]) {
  return sql`${column} in (${sql.raw(values.map((value) => `'${value}'`).join(', '))})`
}
