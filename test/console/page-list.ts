import type { Sample } from './sample.ts'

/** Every page that one sees when logged in, by a short name. */
export function pagesOf({
  workflowId,
  treeId,
  executionId,
  failedId,
  runningId,
}: Sample): Readonly<Record<string, string>> {
  return {
    workflows: '/console/workflows',
    new: '/console/workflows/new',
    definition: `/console/workflows/${workflowId}`,
    tree: `/console/workflows/${treeId}`,
    versions: `/console/workflows/${workflowId}/versions`,
    comparison: `/console/workflows/${workflowId}/versions/1/2`,
    'comparison-graph': `/console/workflows/${workflowId}/versions/1/2?view=graph`,
    'workflow-executions': `/console/workflows/${workflowId}/executions`,
    schedules: `/console/workflows/${workflowId}/schedules`,
    sharing: `/console/workflows/${workflowId}/sharing`,
    executions: '/console/executions',
    execution: `/console/executions/${executionId}`,
    failed: `/console/executions/${failedId}`,
    running: `/console/executions/${runningId}`,
    settings: '/console/settings',
    account: '/console/account',
    audit: '/console/audit',
    status: '/console/admin',
    metrics: '/console/admin/metrics',
    users: '/console/admin/users',
    backups: '/console/admin/backups',
    'no-page': '/console/nowhere',
  }
}
