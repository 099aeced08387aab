/** A request that a route serves: what stands in its path, query, headers and body, and what it is answered with. */
export interface RouteExample {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
  readonly status: 200 | 201 | 202 | 204
}

const id = '01a20dd3-5c00-7000-8000-000000000001'
const userId = '01a20dd3-5c00-7000-8000-000000000002'
const ifMatch = { 'If-Match': '"1"' }
const key = { 'Idempotency-Key': '7f0c3d1e-5f0b-4c55-9a3e-2f1f3f6b7a10' }
const password = 'correct horse battery'

const definition = {
  nodes: [
    { id: 'fetch', type: 'http', config: { url: 'https://example.com/orders', retries: 3 } },
    { id: 'notify', type: 'mail', config: { to: 'ada@example.com' } },
  ],
  edges: [{ from: 'fetch', to: 'notify' }],
}

/**
 * An example for each route, by method and path; test/contract/openapi.test.ts sends them. Ids, tokens and names stand
 * for things of the caller's own.
 */
export const examples: Readonly<Record<string, RouteExample>> = {
  'GET /': { status: 200 },
  'GET /healthz': { status: 200 },
  'GET /readyz': { status: 200 },
  'GET /metrics': { status: 200 },
  'GET /openapi.json': { status: 200 },
  'GET /docs': { status: 200 },
  'GET /docs/{file}': { path: { file: 'start.js' }, status: 200 },

  'POST /v1/auth/register': { body: { username: 'ada', email: 'ada@example.com', password }, status: 201 },
  'POST /v1/auth/login': { body: { username: 'ada', password }, status: 200 },
  'POST /v1/auth/refresh': { body: { refreshToken: 'a-refresh-token' }, status: 200 },
  'POST /v1/auth/logout': { body: { refreshToken: 'a-refresh-token' }, status: 204 },
  'GET /v1/auth/me': { status: 200 },
  'DELETE /v1/auth/me': { body: { password }, status: 204 },
  'GET /v1/auth/sessions': { query: { limit: '10' }, status: 200 },
  'DELETE /v1/auth/sessions/{id}': { path: { id }, status: 204 },
  'POST /v1/auth/password': {
    body: { currentPassword: password, newPassword: 'another horse battery', endApiKeys: true },
    status: 204,
  },
  'POST /v1/auth/recover': { body: { email: 'ada@example.com' }, status: 202 },
  'POST /v1/auth/reset': {
    body: { token: 'the-token-that-was-mailed', newPassword: 'another horse battery' },
    status: 204,
  },
  'POST /v1/api-keys': {
    headers: key,
    body: { name: 'the worker of the office', scopes: ['read', 'worker'], expiresAt: '2099-12-31T23:59:59.000Z' },
    status: 201,
  },
  'GET /v1/api-keys': { query: { limit: '10' }, status: 200 },
  'DELETE /v1/api-keys/{id}': { path: { id }, status: 204 },

  'POST /v1/workflows': {
    headers: key,
    body: { name: 'orders', description: 'Fetches orders and tells Ada.', definition, isPublic: false },
    status: 201,
  },
  'POST /v1/workflows/batch': {
    headers: key,
    body: {
      items: [
        { name: 'orders', definition },
        { name: 'returns', definition: { nodes: [] } },
      ],
    },
    status: 201,
  },
  'GET /v1/workflows': {
    query: { scope: 'owned', q: 'order', updatedSince: '2026-01-31T09:30:00.000Z', sort: 'updatedAt', limit: '20' },
    status: 200,
  },
  'GET /v1/workflows/{id}': { path: { id }, status: 200 },
  'PATCH /v1/workflows/{id}': {
    path: { id },
    headers: ifMatch,
    body: { description: 'Fetches orders.', definition, changeNotes: 'tells Ada too' },
    status: 200,
  },
  'DELETE /v1/workflows/{id}': { path: { id }, headers: ifMatch, status: 204 },
  'POST /v1/workflows/{id}/transfer': { path: { id }, headers: ifMatch, body: { username: 'grace' }, status: 200 },
  'GET /v1/workflows/{id}/versions': { path: { id }, query: { limit: '10' }, status: 200 },
  'GET /v1/workflows/{id}/versions/{n}': { path: { id, n: '1' }, status: 200 },
  'POST /v1/workflows/{id}/versions/{n}/restore': {
    path: { id, n: '1' },
    headers: { ...ifMatch, ...key },
    body: { changeNotes: 'as it was' },
    status: 200,
  },
  'GET /v1/workflows/{id}/versions/{a}/diff/{b}': { path: { id, a: '1', b: '1' }, status: 200 },
  'GET /v1/workflows/{id}/shares': { path: { id }, query: { limit: '10' }, status: 200 },
  'POST /v1/workflows/{id}/shares': {
    path: { id },
    headers: key,
    body: { username: 'grace', permission: 'execute' },
    status: 201,
  },
  'DELETE /v1/workflows/{id}/shares/{userId}': { path: { id, userId }, status: 204 },

  'POST /v1/workflows/{id}/executions': {
    path: { id },
    headers: key,
    body: { input: { since: '2026-01-30' }, dueAt: '2026-01-31T09:30:00.000Z', maxAttempts: 5 },
    status: 201,
  },
  'GET /v1/executions': { query: { status: 'running', since: '2026-01-01T00:00:00.000Z', limit: '20' }, status: 200 },
  'GET /v1/executions/{id}': { path: { id }, status: 200 },
  'POST /v1/executions/claim': {
    headers: key,
    body: { worker: 'worker-1', limit: 5, leaseSeconds: 120 },
    status: 200,
  },
  'POST /v1/executions/{id}/heartbeat': { path: { id }, body: { fence: 1, leaseSeconds: 120 }, status: 200 },
  'PATCH /v1/executions/{id}': {
    path: { id },
    body: { fence: 1, state: { step: 'notify', sent: 3 }, status: 'completed' },
    status: 200,
  },
  'POST /v1/executions/{id}/cancel': { path: { id }, status: 200 },
  'POST /v1/executions/{id}/resume': { path: { id }, status: 200 },
  'POST /v1/executions/{id}/retry': { path: { id }, headers: key, status: 201 },
  'DELETE /v1/executions/{id}': { path: { id }, status: 204 },
  'POST /v1/executions/{id}/steps': {
    path: { id },
    body: { fence: 1, steps: [{ key: 'charge', output: { receipt: 'r-17' }, attempt: 1 }], leaseSeconds: 120 },
    status: 200,
  },
  'GET /v1/executions/{id}/steps': { path: { id }, query: { limit: '10' }, status: 200 },
  'GET /v1/executions/{id}/steps/{key}': { path: { id, key: 'charge' }, status: 200 },
  'GET /v1/executions/{id}/history': { path: { id }, query: { limit: '10' }, status: 200 },
  'POST /v1/executions/{id}/signals': {
    path: { id },
    headers: key,
    body: { name: 'approved', payload: { by: 'grace' } },
    status: 202,
  },
  'GET /v1/executions/{id}/signals': {
    path: { id },
    query: { name: 'approved', after: '0', limit: '10' },
    status: 200,
  },
  'GET /v1/executions/{id}/events': { path: { id }, query: { after: '0' }, status: 200 },

  'GET /v1/workflows/{id}/schedules': { path: { id }, status: 200 },
  'POST /v1/workflows/{id}/schedules': {
    path: { id },
    headers: key,
    body: { name: 'every weekday', cron: '30 8 * * 1-5', timeZone: 'Europe/Berlin', input: { report: 'daily' } },
    status: 201,
  },
  'GET /v1/schedules/{id}': { path: { id }, status: 200 },
  'PATCH /v1/schedules/{id}': {
    path: { id },
    headers: ifMatch,
    body: { cron: '@hourly', overlap: 'skip' },
    status: 200,
  },
  'DELETE /v1/schedules/{id}': { path: { id }, headers: ifMatch, status: 204 },

  'GET /v1/settings': { status: 200 },
  'PUT /v1/settings': {
    body: { data: { theme: 'dark', github: { user: 'ada', token: { $secret: 'ghp_0123456789abcdef' } } } },
    status: 200,
  },
  'PATCH /v1/settings': { headers: { 'If-Match': '*' }, body: { theme: null, language: 'en' }, status: 200 },
  'POST /v1/settings/reveal': { body: { pointer: '/github/token' }, status: 200 },

  'GET /v1/audit': { query: { type: 'workflow.updated', since: '2026-01-01T00:00:00.000Z', limit: '20' }, status: 200 },

  'GET /v1/admin/status': { status: 200 },
  'GET /v1/admin/backups': { query: { limit: '10' }, status: 200 },
  'POST /v1/admin/backups': { status: 202 },
  'GET /v1/admin/backups/{name}': { path: { name: 'latest' }, status: 200 },
  'GET /v1/admin/users': { query: { q: 'ada', limit: '10' }, status: 200 },
  'PATCH /v1/admin/users/{id}': { path: { id: userId }, body: { role: 'admin', disabled: false }, status: 200 },
}
