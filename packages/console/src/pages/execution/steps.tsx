import type { RecordedStep } from '@millrace/client'
import { durationWords, Instant } from '../../parts/instant.tsx'
import { words } from '../../words.ts'
import { DocumentText } from './document-text.tsx'

const text = words.execution

export function Steps({ steps }: { readonly steps: readonly RecordedStep[] }) {
  if (steps.length === 0) return null
  return (
    <section class="card">
      <h2>{text.steps(steps.length)}</h2>
      <ul class="plain">
        {steps.map((step) => (
          <li key={step.seq}>
            <StepRow step={step} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function StepRow({ step: { key, output, error, attempt, startedAt, recordedAt } }: { readonly step: RecordedStep }) {
  const hasFailed = error !== null
  return (
    <details>
      <summary>
        <span class={hasFailed ? 'badge fail' : 'badge ok'}>{hasFailed ? text.stepFailed : text.stepDone}</span>{' '}
        <code>{key}</code>{' '}
        <span class="faint">
          {startedAt === null ? '' : durationWords(Date.parse(recordedAt) - Date.parse(startedAt))}{' '}
          {attempt === null || attempt === 1 ? '' : text.attempt(attempt)}
        </span>{' '}
        <Instant at={recordedAt} />
      </summary>
      <DocumentText label={key} document={hasFailed ? JSON.stringify(error, null, 2) : output} />
    </details>
  )
}
