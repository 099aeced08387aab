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

/** What a task is called by the member that it has. */
const kinds = ['call', 'do', 'emit', 'for', 'fork', 'listen', 'raise', 'run', 'set', 'switch', 'try', 'wait'] as const

type Path = readonly (string | number)[]

/** Serverless Workflow and Open Workflow: `do` is a list of named tasks, one after the other unless `then` says. */
export function tasksGraph(definition: unknown): Graph | undefined {
  const { do: tasks } = membersOf(definition)
  if (!Array.isArray(tasks)) return undefined
  const nodes: GraphNode[] = []
  const edges: GraphEdge[] = []
  collect(tasks, ['do'], [])
  return graphOfParts(nodes, edges)

  /** Gives the ids of those after which the list goes on. */
  function collect(list: readonly unknown[], path: Path, before: readonly string[]): readonly string[] {
    let last = before
    for (const [index, item] of list.entries()) {
      const [first] = Object.entries(membersOf(item))
      if (first === undefined) continue
      const [name, task] = first
      const id = addTask(name, task, [...path, index, name])
      for (const source of last) edges.push({ source, target: id, label: undefined })
      last = inside(id, membersOf(task), [...path, index, name], list)
    }
    return last
  }

  function addTask(name: string, task: unknown, path: Path): string {
    const members = membersOf(task)
    const kind = kinds.findLast((one) => one in members) ?? ''
    const shown = textOf(members['call']) ?? kind
    const isTaken = nodes.some(({ id }) => id === name)
    const id = isTaken ? path.join('/') : name
    nodes.push({ id, label: name, kind: shown, path, position: undefined, content: JSON.stringify(task) })
    return id
  }

  function inside(id: string, task: Readonly<Record<string, unknown>>, path: Path, list: readonly unknown[]) {
    const cases = listOf(task['switch']).flatMap((one) => Object.entries(membersOf(one)))
    for (const [label, choice] of cases) jump(id, membersOf(choice)['then'], label, list)
    const branches = listOf(membersOf(task['fork'])['branches'])
    const ends = [
      ...branches.flatMap((branch, index) => collect([branch], [...path, 'fork', 'branches', index], [id])),
      ...nested(task['do'], [...path, 'do'], id),
      ...nested(task['try'], [...path, 'try'], id),
      ...nested(membersOf(task['catch'])['do'], [...path, 'catch', 'do'], id),
    ]
    if (jump(id, task['then'], undefined, list)) return []
    const allJump = cases.length > 0 && cases.every(([, choice]) => isName(membersOf(choice)['then']))
    if (allJump) return []
    return ends.length > 0 ? ends : [id]
  }

  function nested(list: unknown, path: Path, id: string): readonly string[] {
    return Array.isArray(list) ? collect(list, path, [id]) : []
  }

  /** Whether a task goes elsewhere than to the next. */
  function jump(source: string, then: unknown, label: string | undefined, list: readonly unknown[]): boolean {
    if (then === 'end' || then === 'exit') return true
    if (!isName(then)) return false
    const isHere = list.some((item) => isMembers(item) && then in item)
    if (isHere) edges.push({ source, target: then, label })
    return isHere
  }
}

function isName(then: unknown): then is string {
  return typeof then === 'string' && then !== 'continue'
}
