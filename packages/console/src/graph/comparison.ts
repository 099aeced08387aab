import type { Graph, GraphEdge, GraphNode } from './graph.ts'

export type Change = 'added' | 'removed' | 'changed' | 'same'

export interface ComparedGraph extends Graph {
  readonly changes: ReadonlyMap<string, Change>
}

/** Both versions in one graph: what is gone is drawn with what is there. */
export function compareGraphs(from: Graph, to: Graph): ComparedGraph {
  const before = new Map(from.nodes.map((node) => [node.id, node]))
  const after = new Map(to.nodes.map((node) => [node.id, node]))
  const changes = new Map<string, Change>()
  for (const node of to.nodes) changes.set(node.id, changeOf(before.get(node.id), node))
  for (const { id } of from.nodes) if (!after.has(id)) changes.set(id, 'removed')
  const gone = from.nodes.filter(({ id }) => !after.has(id))
  const there = new Set(to.edges.map(keyOf))
  return {
    nodes: [...to.nodes, ...gone],
    edges: [...to.edges, ...from.edges.filter((edge) => !there.has(keyOf(edge)))],
    changes,
  }
}

function keyOf({ source, target }: GraphEdge): string {
  return `${source}\n${target}`
}

function changeOf(before: GraphNode | undefined, after: GraphNode): Change {
  if (before === undefined) return 'added'
  return before.content === after.content ? 'same' : 'changed'
}
