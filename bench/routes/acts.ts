import { accountActs } from './accounts.ts'
import type { RouteAct } from './act.ts'
import { adminActs, backupReadActs, backupStartActs } from './admin.ts'
import { apiKeyActs } from './api-keys.ts'
import { executionActs } from './executions.ts'
import { operationActs } from './operations.ts'
import { scheduleActs } from './schedules.ts'
import { settingsActs } from './settings.ts'
import { shareActs } from './shares.ts'
import { versionActs } from './versions.ts'
import { workerActs } from './workers.ts'
import { workflowActs } from './workflows.ts'

/** All, in the order in which they run. */
export const routeActs: readonly RouteAct[] = [
  ...backupReadActs,
  ...operationActs,
  ...accountActs,
  ...apiKeyActs,
  ...workflowActs,
  ...versionActs,
  ...shareActs,
  ...executionActs,
  ...workerActs,
  ...scheduleActs,
  ...settingsActs,
  ...adminActs,
  ...backupStartActs,
]

/** Those of the contract that nothing measures. */
export function routesWithoutAct(routes: readonly { readonly method: string; readonly path: string }[]) {
  const measured = new Set(routeActs.map(({ route }) => route))
  return routes.map(({ method, path }) => `${method} ${path}`).filter((name) => !measured.has(name))
}
