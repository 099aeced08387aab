import { useRef, useState } from 'preact/hooks'
import { Plot } from '../../plots/plot.tsx'
import { readSamples, sumOf, type Samples } from '../../plots/prometheus.ts'
import { useAction } from '../../api/use-action.ts'
import { usePolling } from '../../api/use-load.ts'
import { Field } from '../../parts/field.tsx'
import { submitting } from '../../parts/form.tsx'
import { Page } from '../../parts/page.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'

const text = words.metrics
const pollMilliseconds = 5000
const mostPoints = 720

/** What is drawn: from two scrapes what happened between them, in a second; or how things are. */
interface Series {
  readonly label: string
  readonly unit: string
  readonly value: (now: Samples, before: Samples, seconds: number) => number | null
}

const plots: readonly Series[] = [
  { label: text.requests, unit: text.perSecond, value: rate('millrace_requests_total') },
  { label: text.requestTime, unit: 'ms', value: mean('millrace_request_duration_seconds') },
  { label: text.trips, unit: text.perSecond, value: rate('millrace_database_trip_duration_seconds_count') },
  { label: text.tripTime, unit: 'ms', value: mean('millrace_database_trip_duration_seconds') },
  { label: text.slow, unit: text.perSecond, value: rate('millrace_slow_queries_total') },
  { label: text.retries, unit: text.perSecond, value: rate('millrace_database_retries_total') },
  { label: text.poolUsed, unit: '', value: (now) => sumOf(now, 'millrace_gateway_pool_checked_out') },
  { label: text.poolWaiting, unit: '', value: (now) => sumOf(now, 'millrace_gateway_pool_waiting') },
  { label: text.oldest, unit: 's', value: (now) => sumOf(now, 'millrace_oldest_due_execution_age_seconds') },
]

/** Counters fall when another isolate answers or one began anew: then nothing is known of the time between. */
function rate(name: string): Series['value'] {
  return (now, before, seconds) => {
    const grown = (sumOf(now, name) ?? 0) - (sumOf(before, name) ?? 0)
    return grown < 0 ? null : grown / seconds
  }
}

function mean(name: string): Series['value'] {
  return (now, before) => {
    const count = (sumOf(now, `${name}_count`) ?? 0) - (sumOf(before, `${name}_count`) ?? 0)
    const sum = (sumOf(now, `${name}_sum`) ?? 0) - (sumOf(before, `${name}_sum`) ?? 0)
    return count <= 0 || sum < 0 ? null : (1000 * sum) / count
  }
}

interface Recorded {
  readonly times: readonly number[]
  readonly values: readonly (readonly (number | null)[])[]
}

const nothing: Recorded = { times: [], values: plots.map(() => []) }

export function MetricsPage() {
  const [token, setToken] = useState('')
  const [isOn, setOn] = useState(false)
  const [recorded, setRecorded] = useState(nothing)
  const last = useRef<{ readonly at: number; readonly samples: Samples }>(undefined)
  const scraping = useAction(async () => {
    const samples = await scrape(token)
    const at = Date.now() / 1000
    const before = last.current
    last.current = { at, samples }
    setOn(true)
    if (before === undefined) return
    setRecorded(({ times, values }) => ({
      times: [...times, at].slice(-mostPoints),
      values: plots.map(({ value }, index) =>
        [...(values[index] ?? []), value(samples, before.samples, at - before.at)].slice(-mostPoints),
      ),
    }))
  })
  usePolling(isOn ? pollMilliseconds : undefined, () => void scraping.run())
  return (
    <Page title={text.title}>
      <p class="faint">{text.explanation}</p>
      {isOn ? null : (
        <form class="filters" onSubmit={submitting(scraping.run)}>
          <Field label={text.token} type="password" value={token} onValue={setToken} isRequired hint={text.tokenHint} />
          <button class="primary" disabled={scraping.isBusy}>
            {text.show}
          </button>
        </form>
      )}
      <Problem error={scraping.error} />
      {isOn ? (
        <div class="plots">
          {plots.map(({ label, unit }, index) => (
            <Plot key={label} label={label} unit={unit} times={recorded.times} values={recorded.values[index] ?? []} />
          ))}
        </div>
      ) : null}
    </Page>
  )
}

/** The token is an operator's, not a user's: it stays in this page's memory, as long as the page is open. */
async function scrape(token: string): Promise<Samples> {
  const answer = await fetch('/metrics', { headers: { Authorization: `Bearer ${token}` } })
  if (answer.status === 401) throw new Error(text.wrongToken)
  if (answer.status === 404) throw new Error(text.noToken)
  if (!answer.ok) throw new Error(text.noAnswer(answer.status))
  return readSamples(await answer.text())
}
