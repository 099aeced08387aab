import { getStatus } from '@millrace/api/routes/admin/status'
import { checkIds, isForProductionAlone } from '@millrace/db/checklist/checks'
import { executionStatuses } from '@millrace/db/schema/schema'
import type { Context } from '../context.ts'
import { openDeployment, type Deployment } from '../deployment/deployment.ts'
import { Failure } from '../failure.ts'
import { membersIn } from '../json.ts'
import { summaryOf, type FoundStatus, type ServiceStatus, type ShownFinding } from './status.ts'

/** Asks a deployment, with an administrator's key; its /metrics too, where METRICS_TOKEN is set. */
export async function deploymentStatus(context: Context, url: string, isDevelopment: boolean): Promise<FoundStatus> {
  const deployment = openDeployment(context, url)
  const answer = await deployment.ask({ path: '/v1/admin/status' })
  const read = getStatus.answers[200].safeParse(membersIn(await answer.text()))
  if (!read.success) throw unreadable(deployment)
  const { version, dialect, schema, pendingMigrations, lastBackups, findings } = read.data
  const found = findings.map(({ sql, ...finding }) => (sql === undefined ? finding : { ...finding, sql }))
  const token = context.environment()['METRICS_TOKEN']?.split(',')[0]
  return {
    shown: deployment.host,
    status: {
      version,
      dialect,
      schema,
      pendingMigrations,
      // Under a restore it answers 503 instead.
      restoreInProgress: false,
      executions: token === undefined ? null : await countExecutions(deployment, token),
      schedules: null,
      lastBackup: lastBackups[0] ?? null,
      ...summaryOf(isDevelopment ? found.map(lowered) : found),
    },
  }
}

function lowered(finding: ShownFinding): ShownFinding {
  const id = checkIds.find((known) => known === finding.id)
  const isLowered = id !== undefined && isForProductionAlone(id) && finding.level === 'fail'
  return isLowered ? { ...finding, level: 'warn' } : finding
}

async function countExecutions({ ask }: Deployment, token: string): Promise<ServiceStatus['executions']> {
  const text = await (await ask({ path: '/metrics', token })).text()
  const counts = new Map(
    Array.from(text.matchAll(/^millrace_executions\{status="(\w+)"\} (\d+)$/gm), ([, status = '', count]) => [
      status,
      Number(count),
    ]),
  )
  if (counts.size === 0) return null
  const [pending = 0, running = 0, paused = 0, completed = 0, failed = 0, cancelled = 0] = executionStatuses.map(
    (status) => counts.get(status),
  )
  return { pending, running, paused, completed, failed, cancelled }
}

function unreadable({ host }: Deployment): Failure {
  return new Failure('internal', {
    what: `${host} did not answer as millrace does.`,
    why: 'Its status is not of the form that this version knows.',
    fix: 'Use the millrace of the same version as the deployment.',
  })
}
