import {
  graphOfParts,
  isMembers,
  listOf,
  membersOf,
  textOf,
  type Graph,
  type GraphEdge,
  type GraphNode,
} from './graph.ts'

/** Amazon States Language: `StartAt` and `States` by name, with machines inside of `Parallel` and `Map`. */
export function statesGraph(definition: unknown): Graph | undefined {
  const { States: states } = membersOf(definition)
  if (!isMembers(states)) return undefined
  const nodes: GraphNode[] = []
  const edges: GraphEdge[] = []
  collect(states, ['States'])
  return graphOfParts(nodes, edges)

  function collect(named: Readonly<Record<string, unknown>>, path: readonly (string | number)[]): void {
    for (const [name, state] of Object.entries(named)) {
      const members = membersOf(state)
      const place = [...path, name]
      const kind = textOf(members['Type']) ?? ''
      nodes.push({ id: name, label: name, kind, path: place, position: undefined, content: JSON.stringify(state) })
      edges.push(...transitions(name, members))
      for (const [inner, innerPath] of machinesIn(members)) {
        const { StartAt: start, States: inside } = membersOf(inner)
        if (typeof start === 'string') edges.push({ source: name, target: start, label: undefined })
        if (isMembers(inside)) collect(inside, [...place, ...innerPath, 'States'])
      }
    }
  }
}

function transitions(source: string, state: Readonly<Record<string, unknown>>): readonly GraphEdge[] {
  const to = (next: unknown, label?: string): readonly GraphEdge[] =>
    typeof next === 'string' ? [{ source, target: next, label }] : []
  return [
    ...to(state['Next']),
    ...listOf(state['Choices']).flatMap((choice) =>
      to(membersOf(choice)['Next'], textOf(membersOf(choice)['Comment'])),
    ),
    ...to(state['Default'], 'default'),
    ...listOf(state['Catch']).flatMap((caught) => to(membersOf(caught)['Next'], 'catch')),
  ]
}

function machinesIn(
  state: Readonly<Record<string, unknown>>,
): readonly (readonly [machine: unknown, path: readonly (string | number)[]])[] {
  const branches = listOf(state['Branches']).map((branch, index) => [branch, ['Branches', index]] as const)
  const loops = ['Iterator', 'ItemProcessor'].map((name) => [state[name], [name]] as const)
  return [...branches, ...loops.filter(([machine]) => machine !== undefined)]
}
