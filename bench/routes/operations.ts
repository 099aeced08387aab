import { nothing, onOne } from './act.ts'
import { plain } from './person.ts'
import type { RouteAct, Make } from './act.ts'

const metricsToken: Make<string> = ({ metricsToken: token }) => Promise.resolve([token])

export const operationActs: readonly RouteAct[] = [
  ...['/', '/healthz', '/openapi.json', '/docs'].map((path) =>
    onOne(`GET ${path}`, 'nothing stored', { make: nothing, send: () => plain(path) }),
  ),
  onOne('GET /docs/{file}', 'one file', { make: nothing, send: () => plain('/docs/start.js') }),
  onOne('GET /readyz', 'the database', { make: nothing, send: () => plain('/readyz') }),
  onOne('GET /metrics', 'the database', {
    make: metricsToken,
    send: (token) => plain('/metrics', { Authorization: `Bearer ${token}` }),
  }),
]
