export type Path = readonly (string | number)[]

export interface GraphNode {
  readonly id: string
  readonly label: string
  /** What kind of work it is, in the definition's own word. */
  readonly kind: string
  /** Where it stands in the definition. */
  readonly path: Path
  readonly position: Position | undefined
  /** What it is made of, to be compared with another version's. */
  readonly content: string
}

export interface Position {
  readonly x: number
  readonly y: number
}

export interface GraphEdge {
  readonly source: string
  readonly target: string
  readonly label: string | undefined
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

export type Members = Readonly<Record<string, unknown>>

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {}
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : undefined
}

export function pointOf(value: unknown): Position | undefined {
  const { x, y } = Array.isArray(value)
    ? { x: listOf(value)[0], y: listOf(value)[1] }
    : { x: undefined, y: undefined, ...membersOf(value) }
  return typeof x === 'number' && typeof y === 'number' ? { x, y } : undefined
}

/** Edges to nothing are left out: the text shows them. */
export function graphOfParts(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Graph | undefined {
  if (nodes.length === 0) return undefined
  const ids = new Set(nodes.map(({ id }) => id))
  const known = edges.filter(({ source, target }) => ids.has(source) && ids.has(target))
  const distinct = new Map(known.map((edge) => [`${edge.source}\n${edge.target}\n${edge.label ?? ''}`, edge]))
  const firstOfId = new Map(nodes.toReversed().map((node) => [node.id, node]))
  return { nodes: nodes.filter((node) => firstOfId.get(node.id) === node), edges: [...distinct.values()] }
}
