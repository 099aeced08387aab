import { parseJson, type JsonText } from '@millrace/client'

/** A node of a definition, ready to be run. */
export interface Step {
  readonly id: string
  readonly node: unknown
}

/**
 * The nodes of a React Flow or Flowise definition (`nodes`, `edges`), each behind those that its edges come from (Kahn's
 * algorithm; among several the one that stands first). Throws where the edges go round in a circle.
 */
export function stepsOf(definition: JsonText): readonly Step[] {
  const parsed = parseJson(definition)
  const waiting = listAt(parsed, 'nodes').map((node) => ({ id: textAt(node, 'id'), node }))
  const edges = listAt(parsed, 'edges').map((edge) => [textAt(edge, 'source'), textAt(edge, 'target')] as const)
  const steps: Step[] = []
  while (waiting.length > 0) {
    const ready = waiting.findIndex(({ id }) =>
      edges.every(([source, target]) => target !== id || !waiting.some((other) => other.id === source)),
    )
    if (ready === -1) throw new Error(`The edges of ${waiting.map(({ id }) => id).join(', ')} go round in a circle.`)
    steps.push(...waiting.splice(ready, 1))
  }
  return steps
}

function listAt(value: unknown, name: string): readonly unknown[] {
  const list = memberAt(value, name)
  return Array.isArray(list) ? list : []
}

function textAt(value: unknown, name: string): string {
  const text = memberAt(value, name)
  if (typeof text !== 'string') throw new Error(`A node or an edge of the definition has no ${name}.`)
  return text
}

function memberAt(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
