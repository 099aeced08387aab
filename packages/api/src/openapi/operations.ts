import type { RouteContract } from '../route-contract.ts'

type Named = Pick<RouteContract, 'method' | 'path'>

/** What generated clients call their methods, by method and path. */
const operationIds: Readonly<Record<string, string>> = {
  'GET /': 'getService',
  'GET /healthz': 'getHealth',
  'GET /readyz': 'getReadiness',
  'GET /metrics': 'getMetrics',
  'GET /openapi.json': 'getOpenApiDocument',
  'GET /docs': 'getDocs',
  'GET /docs/{file}': 'getDocsFile',

  'POST /v1/auth/register': 'register',
  'POST /v1/auth/login': 'logIn',
  'POST /v1/auth/refresh': 'refreshTokens',
  'POST /v1/auth/logout': 'logOut',
  'POST /v1/auth/recover': 'requestPasswordReset',
  'POST /v1/auth/reset': 'resetPassword',
  'GET /v1/auth/me': 'getMe',
  'DELETE /v1/auth/me': 'deleteMe',
  'GET /v1/auth/sessions': 'listSessions',
  'DELETE /v1/auth/sessions/{id}': 'endSession',
  'POST /v1/auth/password': 'changePassword',
  'POST /v1/api-keys': 'createApiKey',
  'GET /v1/api-keys': 'listApiKeys',
  'DELETE /v1/api-keys/{id}': 'deleteApiKey',

  'POST /v1/workflows': 'createWorkflow',
  'POST /v1/workflows/batch': 'createWorkflows',
  'GET /v1/workflows': 'listWorkflows',
  'GET /v1/workflows/{id}': 'getWorkflow',
  'PATCH /v1/workflows/{id}': 'updateWorkflow',
  'DELETE /v1/workflows/{id}': 'deleteWorkflow',
  'POST /v1/workflows/{id}/transfer': 'transferWorkflow',
  'GET /v1/workflows/{id}/versions': 'listVersions',
  'GET /v1/workflows/{id}/versions/{n}': 'getVersion',
  'POST /v1/workflows/{id}/versions/{n}/restore': 'restoreVersion',
  'GET /v1/workflows/{id}/versions/{a}/diff/{b}': 'compareVersions',
  'GET /v1/workflows/{id}/shares': 'listShares',
  'POST /v1/workflows/{id}/shares': 'shareWorkflow',
  'DELETE /v1/workflows/{id}/shares/{userId}': 'unshareWorkflow',

  'POST /v1/workflows/{id}/executions': 'startExecution',
  'GET /v1/executions': 'listExecutions',
  'GET /v1/executions/{id}': 'getExecution',
  'DELETE /v1/executions/{id}': 'deleteExecution',
  'POST /v1/executions/claim': 'claimExecutions',
  'POST /v1/executions/{id}/heartbeat': 'renewLease',
  'PATCH /v1/executions/{id}': 'reportExecution',
  'POST /v1/executions/{id}/cancel': 'cancelExecution',
  'POST /v1/executions/{id}/resume': 'resumeExecution',
  'POST /v1/executions/{id}/retry': 'retryExecution',
  'POST /v1/executions/{id}/steps': 'recordSteps',
  'GET /v1/executions/{id}/steps': 'listSteps',
  'GET /v1/executions/{id}/steps/{key}': 'getStep',
  'GET /v1/executions/{id}/history': 'listHistory',
  'POST /v1/executions/{id}/signals': 'signalExecution',
  'GET /v1/executions/{id}/signals': 'listSignals',
  'GET /v1/executions/{id}/events': 'streamEvents',

  'GET /v1/workflows/{id}/schedules': 'listSchedules',
  'POST /v1/workflows/{id}/schedules': 'createSchedule',
  'GET /v1/schedules/{id}': 'getSchedule',
  'PATCH /v1/schedules/{id}': 'updateSchedule',
  'DELETE /v1/schedules/{id}': 'deleteSchedule',

  'GET /v1/settings': 'getSettings',
  'PUT /v1/settings': 'replaceSettings',
  'PATCH /v1/settings': 'mergeSettings',
  'POST /v1/settings/reveal': 'revealSecret',

  'GET /v1/audit': 'listAuditEvents',
  'GET /v1/admin/status': 'getStatus',
  'GET /v1/admin/users': 'listUsers',
  'PATCH /v1/admin/users/{id}': 'updateUser',
  'GET /v1/admin/backups': 'listBackups',
  'POST /v1/admin/backups': 'startBackup',
  'GET /v1/admin/backups/{name}': 'downloadBackup',
}

/** @throws TypeError for a route that has none: give it one above. */
export function operationIdOf({ method, path }: Named): string {
  const id = operationIds[`${method} ${path}`]
  if (id === undefined) throw new TypeError(`${method} ${path} has no operationId: add one in openapi/operations.ts`)
  return id
}

/** The groups of operations, in the order in which a reader needs them. */
const tags = {
  auth: 'Accounts: register, log in, refresh tokens, sessions, passwords.',
  workflows: 'Workflows: create, read, list, change, delete, transfer.',
  versions: 'Versions of a workflow: list, read, compare, restore.',
  shares: 'Who else may see, run or change a workflow.',
  executions: 'Executions of a workflow: start, claim, report, pause, cancel, retry.',
  steps: 'Steps, history, signals and live events of an execution.',
  schedules: 'Schedules start executions by a cron expression.',
  settings: 'One document of settings for each user, with sealed secrets.',
  'api-keys': 'API keys for programs.',
  audit: 'Who changed what, and when.',
  admin: 'For administrators: status, users, backups.',
  operations: 'Health, metrics, and this description.',
} as const

export type Tag = keyof typeof tags

const tagsByPath: readonly (readonly [path: RegExp, tag: Tag])[] = [
  [/^\/v1\/auth\//, 'auth'],
  [/^\/v1\/workflows\/\{id\}\/versions/, 'versions'],
  [/^\/v1\/workflows\/\{id\}\/shares/, 'shares'],
  [/^\/v1\/workflows\/\{id\}\/executions/, 'executions'],
  [/^\/v1\/executions\/\{id\}\/(steps|history|signals|events)/, 'steps'],
  [/^\/v1\/executions/, 'executions'],
  [/schedules/, 'schedules'],
  [/^\/v1\/workflows/, 'workflows'],
  [/^\/v1\/settings/, 'settings'],
  [/^\/v1\/api-keys/, 'api-keys'],
  [/^\/v1\/audit/, 'audit'],
  [/^\/v1\/admin/, 'admin'],
]

export function tagOf({ path }: Pick<Named, 'path'>): Tag {
  return tagsByPath.find(([pattern]) => pattern.test(path))?.[1] ?? 'operations'
}

/** Those that the routes use, in their order. */
export function tagsOf(routes: readonly Named[]) {
  const used = new Set<string>(routes.map(tagOf))
  return Object.entries(tags)
    .filter(([name]) => used.has(name))
    .map(([name, description]) => ({ name, description }))
}
