import { useMemo } from 'preact/hooks'
import { useCaught } from '../../frame/crash.tsx'
import type { Path } from '../../graph/graph.ts'
import { graphOf } from '../../graph/shapes.ts'
import { Tree } from '../../graph/tree.tsx'
import { later } from '../../parts/later.tsx'
import { words } from '../../words.ts'

const Flow = later(() => import('../../graph/flow.tsx').then(({ Flow: component }) => component), {
  classes: 'flow',
  isSoon: true,
})

interface DrawingProps {
  readonly definition: unknown
  readonly onSelect?: (path: Path) => void
  /** How the steps of an execution stand, by the node that they name. */
  readonly marks?: ReadonlyMap<string, string>
}

/** A definition as a graph, where its shape is known, else as a tree; so is one that the graph's library cannot draw. */
export function Drawing({ definition, onSelect, marks }: DrawingProps) {
  const graph = useMemo(() => graphOf(definition), [definition])
  const { error } = useCaught(definition)
  if (graph === undefined || error !== undefined) return <Tree value={definition} onSelect={onSelect} />
  return (
    <Flow
      graph={graph}
      label={words.graph.label(graph.nodes.length)}
      {...(marks === undefined ? {} : { marks })}
      {...(onSelect === undefined ? {} : { onSelect })}
    />
  )
}
