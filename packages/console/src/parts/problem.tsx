import { failureOf } from '../api/failure.ts'
import { words } from '../words.ts'
import { CopyButton } from './copy-button.tsx'

interface ProblemProps {
  readonly error: unknown
  readonly onRetry?: () => void
}

/** What failed, what to do, and the id by which an operator finds it in the log. */
export function Problem({ error, onRetry }: ProblemProps) {
  if (error === undefined) return null
  const { title, detail, advice, requestId, code, places } = failureOf(error)
  return (
    <div class="problem" role="alert">
      <p class="problem-title">{title}</p>
      <p>{detail}</p>
      {places.length === 0 ? null : (
        <ul>
          {places.map(({ place, message }) => (
            <li key={place}>
              <code>{place}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {advice === undefined ? null : <p>{advice}</p>}
      {requestId === undefined ? null : (
        <p class="problem-id">
          {words.failures.request} <code>{requestId}</code> <CopyButton text={requestId} label={words.copy.requestId} />
          {code === undefined ? null : (
            <>
              {' '}
              <code>{code}</code>
            </>
          )}
        </p>
      )}
      {onRetry === undefined ? null : (
        <p>
          <button type="button" onClick={onRetry}>
            {words.failures.retry}
          </button>
        </p>
      )}
    </div>
  )
}
