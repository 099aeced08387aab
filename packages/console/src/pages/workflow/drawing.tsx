import { lazy } from 'preact-iso'
import { useMemo } from 'preact/hooks'
import type { Path } from '../../graph/graph.ts'
import { graphOf } from '../../graph/shapes.ts'
import { Tree } from '../../graph/tree.tsx'
import { words } from '../../words.ts'

const Flow = lazy(() => import('../../graph/flow.tsx').then(({ Flow: component }) => component))

interface DrawingProps {
  readonly definition: unknown
  readonly onSelect?: (path: Path) => void
  /** How the steps of an execution stand, by the node that they name. */
  readonly marks?: ReadonlyMap<string, string>
}

/** A definition as a graph, where its shape is known, else as a tree. */
export function Drawing({ definition, onSelect, marks }: DrawingProps) {
  const graph = useMemo(() => graphOf(definition), [definition])
  if (graph === undefined) return <Tree value={definition} onSelect={onSelect} />
  return (
    <Flow
      graph={graph}
      label={words.graph.label(graph.nodes.length)}
      {...(marks === undefined ? {} : { marks })}
      {...(onSelect === undefined ? {} : { onSelect })}
    />
  )
}
