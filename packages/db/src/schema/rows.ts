import type { Tables } from './schema.ts'

/** The rows as they come from any dialect, inferred from the one schema. */
export type UserRow = Tables['users']['$inferSelect']
export type WorkflowRow = Tables['workflows']['$inferSelect']
export type WorkflowVersionRow = Tables['workflowVersions']['$inferSelect']
export type WorkflowShareRow = Tables['workflowShares']['$inferSelect']
export type ExecutionRow = Tables['executions']['$inferSelect']
export type ExecutionHistoryRow = Tables['executionHistory']['$inferSelect']
export type AuditRow = Tables['audit']['$inferSelect']
export type SettingsRow = Tables['settings']['$inferSelect']
export type SessionRow = Tables['sessions']['$inferSelect']
export type BackupRow = Tables['backups']['$inferSelect']
export type ApiKeyRow = Tables['apiKeys']['$inferSelect']
export type ScheduleRow = Tables['schedules']['$inferSelect']
