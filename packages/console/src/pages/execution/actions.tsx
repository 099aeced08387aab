import { exactJson, type Execution } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useState } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { useLoad } from '../../api/use-load.ts'
import { Confirmation, DialogForm } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { JsonField } from '../../parts/json-field.tsx'
import { notify } from '../../parts/notice.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'
import { mayExecute } from '../workflow/workflow-frame.tsx'
import { isEnded, type LiveExecution } from './use-live-execution.ts'

const text = words.execution

interface ActionsProps {
  readonly live: LiveExecution
  readonly execution: Execution
}

type Asked = 'cancel' | 'remove' | 'signal'

/** What the viewer may do with it as it stands. */
export function ExecutionActions({ live, execution }: ActionsProps) {
  const { route } = useLocation()
  const [asked, setAsked] = useState<Asked>()
  const { value: workflow } = useLoad(`workflow ${execution.workflowId}`, (signal) =>
    client.workflows.get(execution.workflowId, { signal }),
  )
  const resuming = useAction(async () => live.replace(await client.executions.resume(execution.id)))
  const retrying = useAction(async () => {
    const { id } = await client.executions.retry(execution.id)
    notify(text.retried)
    route(`/console/executions/${encodeURIComponent(id)}`)
  })
  if (workflow === undefined || !mayExecute(workflow)) return null
  const hasEnded = isEnded(execution)
  return (
    <>
      {execution.status === 'paused' ? (
        <button type="button" disabled={resuming.isBusy} onClick={() => void resuming.run()}>
          {text.resume}
        </button>
      ) : null}
      {hasEnded ? (
        <button type="button" disabled={retrying.isBusy} onClick={() => void retrying.run()}>
          {text.retry}
        </button>
      ) : (
        <>
          <button type="button" onClick={() => setAsked('signal')}>
            {text.signal}
          </button>
          <button type="button" onClick={() => setAsked('cancel')}>
            {text.cancel}
          </button>
        </>
      )}
      {hasEnded && workflow.permission === 'owner' ? (
        <button type="button" onClick={() => setAsked('remove')}>
          {text.remove}
        </button>
      ) : null}
      <Problem error={resuming.error ?? retrying.error} />
      {asked === undefined ? null : (
        <ActionDialog asked={asked} live={live} execution={execution} onClose={() => setAsked(undefined)} />
      )}
    </>
  )
}

interface ActionDialogProps extends ActionsProps {
  readonly asked: Asked
  readonly onClose: () => void
}

/** What an action asks before it does it. */
function ActionDialog({ asked, live, execution, onClose }: ActionDialogProps) {
  const { route } = useLocation()
  switch (asked) {
    case 'signal':
      return <SignalDialog id={execution.id} onClose={onClose} />
    case 'cancel': {
      const cancel = async () => live.replace(await client.executions.cancel(execution.id))
      return (
        <Confirmation title={text.cancelTitle} verb={text.cancel} isDangerous onClose={onClose} act={cancel}>
          <p>{text.cancelMeans}</p>
        </Confirmation>
      )
    }
    case 'remove': {
      const remove = async (): Promise<void> => {
        live.stop()
        try {
          await client.executions.remove(execution.id)
        } catch (thrown) {
          live.reload()
          throw thrown
        }
        notify(text.removed)
        route('/console/executions')
      }
      return (
        <Confirmation title={text.removeTitle} verb={text.remove} isDangerous onClose={onClose} act={remove}>
          <p>{text.removeMeans}</p>
        </Confirmation>
      )
    }
  }
}

function SignalDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const [payload, setPayload] = useState('null')
  const send = async (): Promise<void> => {
    await client.executions.signal(id, payload.trim() === '' ? { name } : { name, payload: exactJson(payload) })
    notify(text.signalled(name))
  }
  return (
    <DialogForm title={text.signalTitle} verb={text.signal} onClose={onClose} act={send}>
      <Field label={text.signalName} value={name} onValue={setName} maxLength={100} isRequired isFocused />
      <JsonField label={text.payload} begun="null" onText={setPayload} />
    </DialogForm>
  )
}
