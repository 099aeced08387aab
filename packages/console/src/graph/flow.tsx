import {
  Background,
  Controls,
  Handle,
  MarkerType,
  Position,
  ReactFlow,
  type Edge,
  type Node,
  type NodeProps,
} from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import '../styles/graph.css'
import { memo } from 'preact/compat'
import { useMemo } from 'preact/hooks'
import { words } from '../words.ts'
import type { Graph, Path } from './graph.ts'
import { nodeHeight, nodeWidth, placesOf } from './layout.ts'

interface FlowProps {
  readonly graph: Graph
  readonly label: string
  /** A word for the look of a node: how it changed, how its step stands. */
  readonly marks?: ReadonlyMap<string, string>
  readonly onSelect?: (path: Path, id: string) => void
}

type StepNode = Node<
  { readonly label: string; readonly kind: string; readonly mark: string; readonly isDown: boolean },
  'step'
>

const Step = memo(({ data: { label, kind, mark, isDown } }: NodeProps<StepNode>) => (
  <div class={`step mark-${mark}`} title={label}>
    <Handle type="target" position={isDown ? Position.Top : Position.Left} isConnectable={false} />
    <span class="step-label">{label}</span>
    <span class="step-kind">{[kind, words.graph.marks[mark] ?? ''].filter((part) => part !== '').join(' · ')}</span>
    <Handle type="source" position={isDown ? Position.Bottom : Position.Right} isConnectable={false} />
  </div>
))

const nodeTypes = { step: Step }

/** A phone is higher than wide. */
const narrow = matchMedia('(max-width: 700px)')

/** From here on the dots behind the graph, which are drawn again in each frame, are left out. */
const mostWithDots = 300

/** The graph of a definition. Its nodes can be looked at and chosen, not moved: the text is what counts. */
export function Flow({ graph, label, marks, onSelect }: FlowProps) {
  const isDown = narrow.matches && graph.nodes.some(({ position }) => position === undefined)
  const places = useMemo(() => placesOf(graph, isDown ? 'TB' : 'LR'), [graph, isDown])
  const nodes = useMemo<StepNode[]>(
    () =>
      graph.nodes.map(({ id, label: name, kind }) => ({
        id,
        type: 'step',
        position: places.get(id) ?? { x: 0, y: 0 },
        width: nodeWidth,
        height: nodeHeight,
        data: { label: name, kind, mark: marks?.get(id) ?? '', isDown },
        ariaLabel: words.graph.node(name, kind, words.graph.marks[marks?.get(id) ?? ''] ?? ''),
      })),
    [graph, places, marks, isDown],
  )
  const edges = useMemo<Edge[]>(
    () =>
      graph.edges.map(({ source, target, label: name }, index) => ({
        id: String(index),
        source,
        target,
        label: name ?? '',
        focusable: false,
        markerEnd: { type: MarkerType.ArrowClosed },
      })),
    [graph],
  )
  const paths = useMemo(() => new Map(graph.nodes.map(({ id, path }) => [id, path])), [graph])
  return (
    <section aria-label={label} class="flow">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        onlyRenderVisibleElements
        fitView
        minZoom={0.05}
        maxZoom={2}
        proOptions={{ hideAttribution: true }}
        onNodeClick={(_event, { id }) => onSelect?.(paths.get(id) ?? [], id)}
      >
        {graph.nodes.length > mostWithDots ? null : <Background />}
        <Controls showInteractive={false} />
      </ReactFlow>
    </section>
  )
}
