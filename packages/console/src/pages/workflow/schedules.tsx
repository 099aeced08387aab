import type { Workflow, Schedule } from '@millrace/client'
import { useState } from 'preact/hooks'
import { schedules as routes } from '../../api/more.ts'
import { useAction } from '../../api/use-action.ts'
import { useItems } from '../../api/use-items.ts'
import { useLoad } from '../../api/use-load.ts'
import { Confirmation } from '../../parts/dialog.tsx'
import { Instant, LabelledInstant } from '../../parts/instant.tsx'
import { Empty } from '../../parts/page.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'
import { cronWords } from '../schedule/cron-words.ts'
import { ScheduleForm } from '../schedule/schedule-form.tsx'
import { mayEdit, WorkflowFrame } from './workflow-frame.tsx'

const text = words.schedules
const mostSchedules = 500

export function SchedulesPage() {
  const [isNew, setNew] = useState(false)
  return (
    <WorkflowFrame
      tab="schedules"
      actions={(workflow) =>
        mayEdit(workflow) ? (
          <button type="button" class="primary" onClick={() => setNew(true)}>
            {text.create}
          </button>
        ) : null
      }
    >
      {(workflow) => <Schedules workflow={workflow} isNew={isNew} onNewClosed={() => setNew(false)} />}
    </WorkflowFrame>
  )
}

interface SchedulesProps {
  readonly workflow: Workflow
  readonly isNew: boolean
  readonly onNewClosed: () => void
}

function Schedules({ workflow, isNew, onNewClosed }: SchedulesProps) {
  const list = useItems(`schedules ${workflow.id}`, mostSchedules, (page) => routes.list(workflow.id, page))
  const { value: schedules, error, reload } = list
  return (
    <>
      <Problem error={error} onRetry={reload} />
      {schedules?.length === 0 ? <Empty title={text.none} advice={text.noneAdvice} /> : null}
      {schedules?.map((schedule) => (
        <ScheduleCard key={schedule.id} listed={schedule} mayChange={mayEdit(workflow)} onRemove={reload} />
      ))}
      {isNew ? (
        <ScheduleForm
          onClose={onNewClosed}
          save={async (change) => {
            await routes.create(workflow.id, change)
            reload()
          }}
        />
      ) : null}
    </>
  )
}

interface ScheduleCardProps {
  readonly listed: Schedule
  readonly mayChange: boolean
  readonly onRemove: () => void
}

function ScheduleCard({ listed, mayChange, onRemove }: ScheduleCardProps) {
  const [changed, setChanged] = useState<Schedule>()
  // The next change names the newest revision, which a list that was asked for earlier does not have yet.
  const schedule = changed !== undefined && changed.revision > listed.revision ? changed : listed
  const { id, name, cron, timeZone, isEnabled, disabledReason } = schedule
  const [asked, setAsked] = useState<'edit' | 'remove'>()
  const close = (): void => setAsked(undefined)
  const switching = useAction(async () => {
    setChanged(await routes.update(schedule, { isEnabled: !isEnabled }))
  })
  return (
    <section class="card" aria-label={name}>
      <h2>
        {name} <span class={isEnabled ? 'badge ok' : 'badge warn'}>{isEnabled ? text.enabled : text.disabled}</span>
      </h2>
      <p>
        {cronWords(cron)} <code class="whole">{cron}</code> <span class="faint">{timeZone}</span>
      </p>
      {disabledReason === null ? null : <p class="waiting">{disabledReason}</p>}
      {isEnabled ? <NextTimes id={id} revision={schedule.revision} /> : null}
      <LastStart schedule={schedule} />
      {mayChange ? (
        <div class="actions">
          <button type="button" onClick={() => setAsked('edit')}>
            {text.edit}
          </button>
          <button type="button" disabled={switching.isBusy} onClick={() => void switching.run()}>
            {isEnabled ? text.disable : text.enable}
          </button>
          <button type="button" onClick={() => setAsked('remove')}>
            {text.remove}
          </button>
        </div>
      ) : null}
      <Problem error={switching.error} />
      {asked === 'edit' ? (
        <ScheduleForm
          schedule={schedule}
          onClose={close}
          save={async (change) => {
            setChanged(await routes.update(schedule, change))
          }}
        />
      ) : null}
      {asked === 'remove' ? (
        <Confirmation
          title={text.removeTitle(name)}
          verb={text.remove}
          isDangerous
          onClose={close}
          act={async () => {
            await routes.remove(schedule)
            onRemove()
          }}
        >
          <p>{text.removeMeans}</p>
        </Confirmation>
      ) : null}
    </section>
  )
}

function LastStart({ schedule: { lastAt, lastExecutionId } }: { readonly schedule: Schedule }) {
  return (
    <p class="facts">
      {lastAt === null ? null : <LabelledInstant label={text.last} at={lastAt} />}
      {lastExecutionId === null ? null : (
        <a href={`/console/executions/${encodeURIComponent(lastExecutionId)}`}>{text.lastExecution}</a>
      )}
    </p>
  )
}

/** In the viewer's zone, whatever the schedule's own is. */
function NextTimes({ id, revision }: { readonly id: string; readonly revision: number }) {
  const { value, error, reload } = useLoad(`schedule ${id} ${revision}`, (signal) => routes.get(id, { signal }))
  return (
    <>
      <Problem error={error} onRetry={reload} />
      <p>{text.next}</p>
      <ol class="next-times">
        {value?.next.map((at) => (
          <li key={at}>
            <Instant at={at} isExact /> <span class="faint">(</span>
            <Instant at={at} />
            <span class="faint">)</span>
          </li>
        ))}
      </ol>
    </>
  )
}
