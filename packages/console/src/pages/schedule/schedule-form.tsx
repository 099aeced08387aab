import { exactJson, type Schedule, type NewSchedule } from '@millrace/client'
import { useState } from 'preact/hooks'
import { DialogForm } from '../../parts/dialog.tsx'
import { Choice, Field } from '../../parts/field.tsx'
import { JsonField } from '../../parts/json-field.tsx'
import { words } from '../../words.ts'
import { cronWords } from './cron-words.ts'

const text = words.schedules
const overlaps = ['allow', 'skip'] as const
const catchUps = ['latest', 'none'] as const
const ownZone = new Intl.DateTimeFormat().resolvedOptions().timeZone

interface ScheduleFormProps {
  readonly schedule?: Schedule
  readonly save: (change: NewSchedule) => Promise<void>
  readonly onClose: () => void
}

export function ScheduleForm({ schedule, save, onClose }: ScheduleFormProps) {
  const begun = schedule?.input ?? 'null'
  const [name, setName] = useState(schedule?.name ?? '')
  const [cron, setCron] = useState(schedule?.cron ?? '0 6 * * *')
  const [timeZone, setTimeZone] = useState(schedule?.timeZone ?? ownZone)
  const [input, setInput] = useState(begun)
  const [maxAttempts, setMaxAttempts] = useState(String(schedule?.maxAttempts ?? 3))
  const [overlap, setOverlap] = useState(schedule?.overlap ?? 'allow')
  const [catchUp, setCatchUp] = useState(schedule?.catchUp ?? 'latest')
  const send = (): Promise<void> => {
    const hasInput = schedule === undefined ? input.trim() !== 'null' : input !== begun
    const change = { name, cron, timeZone, maxAttempts: Number(maxAttempts), overlap, catchUp }
    return save(hasInput ? { ...change, input: exactJson(input) } : change)
  }
  return (
    <DialogForm title={schedule === undefined ? text.create : text.edit} verb={text.save} onClose={onClose} act={send}>
      <Field label={text.name} value={name} onValue={setName} maxLength={255} isRequired isFocused />
      <Field label={text.cron} value={cron} onValue={setCron} isRequired hint={cronWords(cron) || text.cronHint} />
      <Field label={text.timeZone} value={timeZone} onValue={setTimeZone} isRequired hint={text.timeZoneHint} />
      <JsonField label={words.start.input} begun={begun} onText={setInput} />
      <Field label={words.start.maxAttempts} type="number" value={maxAttempts} onValue={setMaxAttempts} isRequired />
      <div class="filters">
        <Choice
          label={text.overlap}
          value={overlap}
          options={overlaps.map((one) => [one, text.overlaps[one]] as const)}
          onValue={setOverlap}
        />
        <Choice
          label={text.catchUp}
          value={catchUp}
          options={catchUps.map((one) => [one, text.catchUps[one]] as const)}
          onValue={setCatchUp}
        />
      </div>
    </DialogForm>
  )
}
