import type { AuditSubject, AuditType } from '@millrace/db/schema/audit-types'
import type { RouteName } from '../contract/examples.ts'

/** What a write's example leaves in the audit trail. */
export interface ExpectedEvents {
  readonly type: AuditType
  readonly subject: AuditSubject
  /** Where the subject's id is told: in the path, in the answer, or it is the user who acted. */
  readonly named: 'path' | 'answer' | 'items' | 'userOfAnswer' | 'name' | 'actor'
  /** Whose credential acted, when it is not the request's own. */
  readonly actor?: 'userOfAnswer' | 'callerWithoutSession'
  /** Whose the subject was: the actor's when absent. */
  readonly owner?: 'subject' | 'nobody'
}

/** Each write with its event, or with the reason why docs/contract/api.md has it leave none. */
export const expectedEvents: Readonly<Record<RouteName, ExpectedEvents | string>> = {
  'POST /v1/auth/register': {
    type: 'user.registered',
    subject: 'user',
    named: 'userOfAnswer',
    actor: 'userOfAnswer',
  },
  'POST /v1/auth/login': { type: 'user.logged_in', subject: 'user', named: 'userOfAnswer', actor: 'userOfAnswer' },
  'POST /v1/auth/refresh': 'a refresh of tokens leaves none',
  'POST /v1/auth/logout': 'the token of the example is nobody’s, so nothing ends',
  'POST /v1/auth/recover': 'changes nothing that a user has, and tells nobody whether there is one',
  'DELETE /v1/auth/me': { type: 'user.deleted', subject: 'user', named: 'actor' },
  'DELETE /v1/auth/sessions/{id}': { type: 'session.ended', subject: 'session', named: 'path' },
  'POST /v1/auth/password': { type: 'user.password_changed', subject: 'user', named: 'actor' },
  'POST /v1/auth/reset': {
    type: 'user.password_changed',
    subject: 'user',
    named: 'actor',
    actor: 'callerWithoutSession',
  },
  'POST /v1/api-keys': { type: 'key.created', subject: 'key', named: 'answer' },
  'DELETE /v1/api-keys/{id}': { type: 'key.deleted', subject: 'key', named: 'path' },

  'POST /v1/workflows': { type: 'workflow.created', subject: 'workflow', named: 'answer' },
  'POST /v1/workflows/batch': { type: 'workflow.created', subject: 'workflow', named: 'items' },
  'PATCH /v1/workflows/{id}': { type: 'workflow.updated', subject: 'workflow', named: 'path' },
  'DELETE /v1/workflows/{id}': { type: 'workflow.deleted', subject: 'workflow', named: 'path' },
  'POST /v1/workflows/{id}/transfer': { type: 'workflow.transferred', subject: 'workflow', named: 'path' },
  'POST /v1/workflows/{id}/versions/{n}/restore': { type: 'workflow.restored', subject: 'workflow', named: 'path' },
  'POST /v1/workflows/{id}/shares': { type: 'workflow.shared', subject: 'workflow', named: 'path' },
  'DELETE /v1/workflows/{id}/shares/{userId}': { type: 'workflow.unshared', subject: 'workflow', named: 'path' },

  'POST /v1/workflows/{id}/executions': { type: 'execution.started', subject: 'execution', named: 'answer' },
  'POST /v1/executions/claim': 'what workers do is in the history of executions',
  'POST /v1/executions/{id}/heartbeat': 'what workers do is in the history of executions',
  'PATCH /v1/executions/{id}': 'what workers do is in the history of executions',
  'POST /v1/executions/{id}/steps': 'what workers do is in the history of executions',
  'POST /v1/executions/{id}/cancel': { type: 'execution.cancelled', subject: 'execution', named: 'path' },
  'POST /v1/executions/{id}/resume': { type: 'execution.resumed', subject: 'execution', named: 'path' },
  'POST /v1/executions/{id}/retry': { type: 'execution.retried', subject: 'execution', named: 'answer' },
  'DELETE /v1/executions/{id}': { type: 'execution.deleted', subject: 'execution', named: 'path' },
  'POST /v1/executions/{id}/signals': { type: 'execution.signalled', subject: 'execution', named: 'path' },

  'POST /v1/workflows/{id}/schedules': { type: 'schedule.created', subject: 'schedule', named: 'answer' },
  'PATCH /v1/schedules/{id}': { type: 'schedule.changed', subject: 'schedule', named: 'path' },
  'DELETE /v1/schedules/{id}': { type: 'schedule.deleted', subject: 'schedule', named: 'path' },

  'PUT /v1/settings': { type: 'settings.changed', subject: 'settings', named: 'actor' },
  'PATCH /v1/settings': { type: 'settings.changed', subject: 'settings', named: 'actor' },
  'POST /v1/settings/reveal': { type: 'secret.revealed', subject: 'settings', named: 'actor' },

  'PATCH /v1/admin/users/{id}': { type: 'user.role_changed', subject: 'user', named: 'path', owner: 'subject' },
  'POST /v1/admin/backups': { type: 'backup.requested', subject: 'backup', named: 'name', owner: 'nobody' },
}
