import { useRoute } from 'preact-iso'
import { ExecutionList } from '../executions.tsx'
import { StartButton } from '../start-execution.tsx'
import { mayExecute, useWorkflow, WorkflowFrame } from './workflow-frame.tsx'

export function WorkflowExecutionsPage() {
  const { params } = useRoute()
  const id = params['id'] ?? ''
  const loaded = useWorkflow(id)
  return (
    <WorkflowFrame
      loaded={loaded}
      id={id}
      tab="executions"
      actions={loaded.value !== undefined && mayExecute(loaded.value) ? <StartButton workflow={loaded.value} /> : null}
    >
      {(workflow) => <ExecutionList workflowId={workflow.id} />}
    </WorkflowFrame>
  )
}
