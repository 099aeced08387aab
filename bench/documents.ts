/** Definitions as a workflow engine's editor saves them: nodes with parameters, prompts and positions, and their edges. */
export interface Definitions {
  readonly bytes: number
  /** A definition of about that size, different from every other one. */
  next(): string
}

let made = 0

export function definitionsOf(bytes: number): Definitions {
  const nodes: string[] = []
  for (let index = 0, length = 0; length < bytes - 400; index += 1) {
    const node = nodeOf(index)
    nodes.push(node)
    length += Buffer.byteLength(node) + 1
  }
  const edges = nodes.slice(1, 4).map((_, index) => `{"source":"node_${index}","target":"node_${index + 1}"}`)
  const rest = `"nodes":[${nodes.join(',')}],"edges":[${edges.join(',')}]}`
  return {
    bytes,
    next() {
      made += 1
      return `{"saved":${made},${rest}`
    },
  }
}

function nodeOf(index: number): string {
  return JSON.stringify({
    id: `node_${index}`,
    type: index % 3 === 0 ? 'chatOpenAI' : 'httpRequest',
    position: { x: 120.5 * index, y: -40 + 80 * (index % 5) },
    parameters: {
      url: `https://api.example.com/v2/items/${index}?expand=owner&limit=50`,
      method: 'POST',
      prompt: `You answer „${index}“ in one sentence.\nUse only "facts" from the context: {{ $json.context }}`,
      temperature: 0.2,
      retries: index % 4,
      isEnabled: index % 2 === 0,
      headers: [{ name: 'Accept', value: 'application/json' }],
      credentials: null,
    },
  })
}
