import { Graph as LayoutGraph, layout } from '@dagrejs/dagre'
import { pointOf, type Graph, type Position } from './graph.ts'

export const nodeWidth = 190
export const nodeHeight = 56

/** Where each node is drawn: where the definition says, else by layers from left to right. */
export function placesOf({ nodes, edges }: Graph): ReadonlyMap<string, Position> {
  const given = nodes.flatMap(({ id, position }) => (position === undefined ? [] : [[id, position] as const]))
  if (given.length === nodes.length && areApart(given.map(([, position]) => position))) return new Map(given)
  const graph = new LayoutGraph()
  graph.setGraph({
    rankdir: 'LR',
    nodesep: 24,
    ranksep: 70,
    ranker: nodes.length > 300 ? 'longest-path' : 'network-simplex',
  })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id } of nodes) graph.setNode(id, { width: nodeWidth, height: nodeHeight })
  for (const { source, target } of edges) if (source !== target) graph.setEdge(source, target)
  layout(graph)
  return new Map(
    nodes.map(({ id }) => {
      const placed: unknown = graph.node(id)
      const { x, y } = pointOf(placed) ?? { x: 0, y: 0 }
      return [id, { x: x - nodeWidth / 2, y: y - nodeHeight / 2 }]
    }),
  )
}

/** Positions that are all the same say nothing. */
function areApart(positions: readonly Position[]): boolean {
  const [first] = positions
  return positions.length < 2 || positions.some(({ x, y }) => x !== first?.x || y !== first.y)
}
