import { describe, expect, test } from 'vitest'
import { compareGraphs } from './comparison.ts'
import type { Graph } from './graph.ts'
import { placesOf } from './layout.ts'
import { graphOf } from './shapes.ts'

function edgesOf(graph: Graph | undefined): readonly string[] {
  return (graph?.edges ?? []).map(
    ({ source, target, label }) => `${source}→${target}${label === undefined ? '' : ` ${label}`}`,
  )
}

const shapes: readonly (readonly [
  name: string,
  definition: unknown,
  nodes: readonly string[],
  edges: readonly string[],
])[] = [
  [
    'React Flow',
    {
      nodes: [
        { id: 'a', data: { label: 'First' }, position: { x: 0, y: 0 } },
        { id: 'b', type: 'send', position: { x: 200, y: 10 } },
      ],
      edges: [{ id: 'e', source: 'a', target: 'b', label: 'then' }],
    },
    ['First', 'b'],
    ['a→b then'],
  ],
  [
    "the guide's engine",
    { nodes: [{ id: '1', type: 'start' }, { id: 2 }], edges: [{ from: '1', to: 2 }] },
    ['1', '2'],
    ['1→2'],
  ],
  [
    'n8n',
    {
      nodes: [
        { id: 'x', name: 'Webhook', type: 'n8n-nodes-base.webhook', position: [240, 300] },
        { id: 'y', name: 'If', type: 'n8n-nodes-base.if', position: [460, 300] },
        { id: 'z', name: 'Model', type: '@n8n/n8n-nodes-langchain.lmChat', position: [460, 500] },
      ],
      connections: {
        Webhook: { main: [[{ node: 'If', type: 'main', index: 0 }], null] },
        Model: { ai_languageModel: [[{ node: 'If', type: 'ai_languageModel', index: 0 }]] },
      },
    },
    ['Webhook', 'If', 'Model'],
    ['Webhook→If', 'Model→If ai_languageModel'],
  ],
  [
    'Amazon States Language',
    {
      StartAt: 'Choose',
      States: {
        Choose: { Type: 'Choice', Choices: [{ Variable: '$.x', Next: 'Both' }], Default: 'Done' },
        Both: {
          Type: 'Parallel',
          Branches: [{ StartAt: 'Left', States: { Left: { Type: 'Task', End: true } } }],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Done' }],
          Next: 'Done',
        },
        Done: { Type: 'Succeed' },
      },
    },
    ['Choose', 'Both', 'Left', 'Done'],
    ['Choose→Both', 'Choose→Done default', 'Both→Done', 'Both→Done catch', 'Both→Left'],
  ],
  [
    'Serverless Workflow',
    JSON.parse(`{
      "document": { "dsl": "1.0.0" },
      "do": [
        { "fetch": { "call": "http" } },
        { "decide": { "switch": [{ "good": { "when": ".ok", "then": "store" } }, { "bad": { "then": "end" } }] } },
        { "fix": { "run": {}, "then": "fetch" } },
        { "store": { "set": {} } }
      ]
    }`),
    ['fetch', 'decide', 'fix', 'store'],
    ['fetch→decide', 'decide→store good', 'fix→fetch'],
  ],
]

describe('a definition is drawn by its shape', () => {
  test.each(shapes)('%s', (_name, definition, nodes, edges) => {
    const graph = graphOf(definition)
    expect(graph?.nodes.map(({ label }) => label)).toEqual(nodes)
    expect(edgesOf(graph)).toEqual(edges)
  })

  test.each([
    [{}],
    [{ steps: [] }],
    [{ nodes: {} }],
    [{ nodes: [] }],
    [[1]],
    [null],
    ['text'],
    [{ States: 1 }],
    [{ do: 1 }],
  ])('%j has none that is known', (definition) => {
    expect(graphOf(definition)).toBeUndefined()
  })

  test('members of other kinds than the shape has, and edges to nothing, are passed over', () => {
    const definition = {
      nodes: [null, 1, { id: {} }, { id: 'a' }, { id: 'a' }],
      edges: [null, { source: 'a', target: 'b' }, {}],
    }
    expect(graphOf(definition)?.nodes.map(({ path }) => path)).toEqual([['nodes', 3]])
    expect(edgesOf(graphOf(definition))).toEqual([])
  })
})

describe('the layout', () => {
  test('is the definition’s own where every node has a place', () => {
    const graph = graphOf(shapes[0]?.[1])
    expect(graph && placesOf(graph)).toEqual(
      new Map([
        ['a', { x: 0, y: 0 }],
        ['b', { x: 200, y: 10 }],
      ]),
    )
  })

  test('is made where places are missing, and no two nodes lie on each other', () => {
    const graph = graphOf(shapes[3]?.[1])
    const places = [...(graph ? placesOf(graph) : new Map<string, { x: number; y: number }>()).values()]
    expect(places).toHaveLength(4)
    expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(4)
  })

  test('a circle is laid out too', () => {
    const graph = graphOf({
      nodes: [{ id: 'a' }, { id: 'b' }],
      edges: [
        { source: 'a', target: 'b' },
        { source: 'b', target: 'a' },
        { source: 'a', target: 'a' },
      ],
    })
    expect(graph && placesOf(graph).size).toBe(2)
  })
})

test('two versions tell what was added, removed and changed; where a node stands is no change', () => {
  const node = (id: string, data: object, x: number) => ({ id, data, position: { x, y: 0 } })
  const from = graphOf({
    nodes: [node('same', {}, 0), node('other', { a: 1 }, 1), node('gone', {}, 2)],
    edges: [{ source: 'same', target: 'gone' }],
  })
  const to = graphOf({ nodes: [node('same', {}, 9), node('other', { a: 2 }, 1), node('new', {}, 3)], edges: [] })
  const compared = compareGraphs(from ?? { nodes: [], edges: [] }, to ?? { nodes: [], edges: [] })
  expect(Object.fromEntries(compared.changes)).toEqual({
    same: 'same',
    other: 'changed',
    new: 'added',
    gone: 'removed',
  })
  expect(edgesOf(compared)).toEqual(['same→gone'])
})

test('names that an object has by itself are names of nodes like any other', () => {
  const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '\u0000', 'a']
  const edges = ids.slice(1).map((target) => ({ source: '__proto__', target }))
  const graph = graphOf({ nodes: ids.map((id) => ({ id })), edges }) ?? { nodes: [], edges: [] }
  const places = placesOf(graph)
  expect([...places.keys()]).toEqual(ids)
  expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(ids.length)
})
