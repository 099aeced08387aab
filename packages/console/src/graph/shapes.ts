import { statesGraph } from './amazon-states.ts'
import { graphOfParts, isMembers, listOf, membersOf, pointOf, textOf, type Graph, type GraphEdge } from './graph.ts'
import { tasksGraph } from './serverless-workflow.ts'

/** The definition as a graph, where its shape is one that is known; undefined where it is not. */
export function graphOf(definition: unknown): Graph | undefined {
  if (!isMembers(definition)) return undefined
  return (
    n8nGraph(definition) ??
    flowGraph(definition) ??
    flowGraph(membersOf(definition['flow'])) ??
    statesGraph(definition) ??
    tasksGraph(definition)
  )
}

type Definition = Readonly<Record<string, unknown>>

/** React Flow, Flowise, the guide's engine: `nodes` with ids, `edges` between them. */
function flowGraph({ nodes, edges }: Definition): Graph | undefined {
  if (!Array.isArray(nodes)) return undefined
  const known = listOf(nodes).flatMap((node, index) => {
    const members = membersOf(node)
    const id = textOf(members['id'])
    if (id === undefined) return []
    const data = membersOf(members['data'])
    const label = textOf(data['label']) ?? textOf(members['label']) ?? textOf(members['name']) ?? id
    const kind = textOf(data['name']) ?? textOf(members['type']) ?? textOf(data['type']) ?? ''
    const { position: _moved, positionAbsolute: _too, ...content } = members
    const position = pointOf(members['position'])
    return [{ id, label, kind, path: ['nodes', index], position, content: JSON.stringify(content) }]
  })
  return graphOfParts(known, listOf(edges).flatMap(flowEdge))
}

function flowEdge(edge: unknown): readonly GraphEdge[] {
  const members = membersOf(edge)
  const source = textOf(members['source']) ?? textOf(members['from'])
  const target = textOf(members['target']) ?? textOf(members['to'])
  if (source === undefined || target === undefined) return []
  return [{ source, target, label: textOf(members['label']) ?? textOf(members['condition']) }]
}

/** n8n: `nodes` by name, `connections` from a name to lists of lists. */
function n8nGraph({ nodes, connections }: Definition): Graph | undefined {
  if (!Array.isArray(nodes) || !isMembers(connections)) return undefined
  const known = listOf(nodes).flatMap((node, index) => {
    const { position, ...content } = membersOf(node)
    const name = textOf(content['name'])
    if (name === undefined) return []
    const kind = (textOf(content['type']) ?? '').replace(/^.*\./, '')
    const path = ['nodes', index]
    return [{ id: name, label: name, kind, path, position: pointOf(position), content: JSON.stringify(content) }]
  })
  return graphOfParts(known, Object.entries(connections).flatMap(connectionEdges))
}

function connectionEdges([source, outputs]: readonly [string, unknown]): readonly GraphEdge[] {
  return Object.entries(membersOf(outputs)).flatMap(([kind, lists]) =>
    listOf(lists)
      .flatMap(listOf)
      .flatMap((connection) => {
        const target = textOf(membersOf(connection)['node'])
        return target === undefined ? [] : [{ source, target, label: kind === 'main' ? undefined : kind }]
      }),
  )
}
