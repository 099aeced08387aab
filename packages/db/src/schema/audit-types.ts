/** What an audit event tells of: the closed list of docs/contract/api.md's "Audit". */
export const auditTypes = [
  'user.registered',
  'user.logged_in',
  'user.login_limited',
  'user.password_changed',
  'user.deleted',
  'user.role_changed',
  'user.disabled',
  'user.enabled',
  'session.ended',
  'session.reused',
  'key.created',
  'key.deleted',
  'settings.changed',
  'secret.revealed',
  'secrets.rotated',
  'workflow.created',
  'workflow.updated',
  'workflow.restored',
  'workflow.published',
  'workflow.unpublished',
  'workflow.transferred',
  'workflow.deleted',
  'workflow.shared',
  'workflow.unshared',
  'execution.started',
  'execution.signalled',
  'execution.cancelled',
  'execution.resumed',
  'execution.retried',
  'execution.deleted',
  'schedule.created',
  'schedule.changed',
  'schedule.disabled',
  'schedule.deleted',
  'backup.requested',
  'backup.completed',
  'backup.failed',
  'database.migrated',
  'database.restored',
] as const
export type AuditType = (typeof auditTypes)[number]

/** What an event can have been done to. */
export const auditSubjects = [
  'user',
  'session',
  'key',
  'settings',
  'workflow',
  'execution',
  'schedule',
  'backup',
  'database',
] as const
export type AuditSubject = (typeof auditSubjects)[number]

/** Who caused an event: a logged-in user, an API key, a schedule, a command of millrace, or the service itself. */
export const auditActorKinds = ['user', 'key', 'schedule', 'command', 'system'] as const
export type AuditActorKind = (typeof auditActorKinds)[number]
