import { ExecutionList } from '../executions.tsx'
import { StartButton } from '../start-execution.tsx'
import { mayExecute, WorkflowFrame } from './workflow-frame.tsx'

export function WorkflowExecutionsPage() {
  return (
    <WorkflowFrame
      tab="executions"
      actions={(workflow) => (mayExecute(workflow) ? <StartButton workflow={workflow} /> : null)}
    >
      {(workflow) => <ExecutionList workflowId={workflow.id} />}
    </WorkflowFrame>
  )
}
