import { Graph as LayoutGraph, layout } from '@dagrejs/dagre'
import { pointOf, type Graph, type Position } from './graph.ts'

export const nodeWidth = 190
export const nodeHeight = 56

/** Where each node is drawn: where the definition says, else by layers from left to right, or from the top down. */
export function placesOf({ nodes, edges }: Graph, direction: 'LR' | 'TB' = 'LR'): ReadonlyMap<string, Position> {
  const given = nodes.flatMap(({ id, position }) => (position === undefined ? [] : [[id, position] as const]))
  if (given.length === nodes.length && areApart(given.map(([, position]) => position))) return new Map(given)
  const graph = new LayoutGraph()
  graph.setGraph({
    rankdir: direction,
    nodesep: 24,
    ranksep: direction === 'LR' ? 70 : 40,
    ranker: nodes.length > 300 ? 'longest-path' : 'network-simplex',
  })
  graph.setDefaultEdgeLabel(() => ({}))
  // The library keeps nodes as members of an object by their names: `__proto__` would be its prototype.
  const names = new Map(nodes.map(({ id }, index) => [id, String(index)]))
  for (const name of names.values()) graph.setNode(name, { width: nodeWidth, height: nodeHeight })
  for (const { source, target } of edges) {
    const [from, to] = [names.get(source), names.get(target)]
    if (from !== undefined && to !== undefined && from !== to) graph.setEdge(from, to)
  }
  layout(graph)
  return new Map(
    [...names].map(([id, name]) => {
      const placed: unknown = graph.node(name)
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
