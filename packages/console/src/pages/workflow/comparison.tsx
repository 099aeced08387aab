import type { Version } from '@millrace/client'
import { useLocation, useRoute } from 'preact-iso'
import { useMemo } from 'preact/hooks'
import { client } from '../../api/client.ts'
import { useLoad } from '../../api/use-load.ts'
import { compareGraphs } from '../../graph/comparison.ts'
import { graphOf } from '../../graph/shapes.ts'
import { Instant } from '../../parts/instant.tsx'
import { later } from '../../parts/later.tsx'
import { Page } from '../../parts/page.tsx'
import { Problem } from '../../parts/problem.tsx'
import { words } from '../../words.ts'

const TextComparison = later(
  () => import('../../editor/text-comparison.tsx').then(({ TextComparison: component }) => component),
  { classes: 'editor comparison' },
)
const Flow = later(() => import('../../graph/flow.tsx').then(({ Flow: component }) => component), { classes: 'flow' })

const text = words.comparison

/** Two versions beside each other, as text and on the graph. */
export function ComparisonPage() {
  const { params } = useRoute()
  const { query, route, path } = useLocation()
  const id = params['id'] ?? ''
  const [from, to] = [Number(params['from']), Number(params['to'])]
  const { value, error, reload } = useLoad(`compare ${id} ${from} ${to}`, (signal) =>
    Promise.all([client.versions.get(id, from, { signal }), client.versions.get(id, to, { signal })]),
  )
  const isGraph = query['view'] === 'graph'
  return (
    <Page
      title={text.title(from, to)}
      isWide
      above={
        <nav aria-label={words.workflow.trail} class="trail">
          <a href="/console/workflows">{words.nav.workflows}</a>
          <a href={`/console/workflows/${encodeURIComponent(id)}`}>{text.workflow}</a>
          <a href={`/console/workflows/${encodeURIComponent(id)}/versions`}>{words.workflow.tabs.versions}</a>
        </nav>
      }
      actions={
        <div class="segments" role="group" aria-label={text.view}>
          <button type="button" aria-pressed={!isGraph} onClick={() => route(path)}>
            {text.asText}
          </button>
          <button type="button" aria-pressed={isGraph} onClick={() => route(`${path}?view=graph`)}>
            {text.asGraph}
          </button>
        </div>
      }
    >
      <Problem error={error} onRetry={reload} />
      {value === undefined ? null : <Sides from={value[0]} to={value[1]} />}
      {value === undefined ? null : isGraph ? (
        <GraphComparison from={value[0]} to={value[1]} />
      ) : (
        <TextComparison
          from={value[0].definition}
          to={value[1].definition}
          fromLabel={words.workflows.version(from)}
          toLabel={words.workflows.version(to)}
        />
      )}
    </Page>
  )
}

interface SidesProps {
  readonly from: Version
  readonly to: Version
}

function Sides({ from, to }: SidesProps) {
  return (
    <div class="sides">
      {[from, to].map((version) => (
        <p key={version.id}>
          <strong>{words.workflows.version(version.versionNumber)}</strong> <Instant at={version.createdAt} />{' '}
          <span class="faint">{version.changeNotes ?? ''}</span>
        </p>
      ))}
    </div>
  )
}

function GraphComparison({ from, to }: SidesProps) {
  const compared = useMemo(() => {
    const before = graphOf(JSON.parse(from.definition))
    const after = graphOf(JSON.parse(to.definition))
    return before === undefined && after === undefined
      ? undefined
      : compareGraphs(before ?? { nodes: [], edges: [] }, after ?? { nodes: [], edges: [] })
  }, [from, to])
  if (compared === undefined) return <p class="empty">{text.noGraph}</p>
  const counts = (['added', 'removed', 'changed'] as const).map(
    (change) => [change, [...compared.changes.values()].filter((one) => one === change).length] as const,
  )
  return (
    <>
      <p class="facts" role="status">
        {counts.map(([change, count]) => (
          <span key={change} class={`legend mark-${change}`}>
            {text.counts[change](count)}
          </span>
        ))}
      </p>
      <Flow graph={compared} marks={compared.changes} label={text.graphLabel(from.versionNumber, to.versionNumber)} />
    </>
  )
}
