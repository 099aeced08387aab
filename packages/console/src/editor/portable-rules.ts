import { jsonLanguage } from '@codemirror/lang-json'
import type { SyntaxNode } from '@lezer/common'
import { words } from '../words.ts'

export interface TextProblem {
  readonly from: number
  readonly to: number
  readonly message: string
}

/** What the API takes: 64 containers within each other, the document's own counted. */
const mostDepth = 64
const mostProblems = 20
const text = words.editor.rules

interface RuleOptions {
  /** Whether the document has to be an object: a definition, settings. */
  readonly needsObject: boolean
  /** Whether `$secret` may be a member: in settings alone. */
  readonly allowsSecrets: boolean
}

/**
 * What of a document not every database and reader can keep, by the API's portable rules: it refuses the same with
 * `invalid_json_document`. Here it is found while one types. The text has to be JSON already.
 */
export function portableProblems(source: string, options: RuleOptions): readonly TextProblem[] {
  const problems: TextProblem[] = []
  const tree = jsonLanguage.parser.parse(source)
  const [first] = childrenOf(tree.topNode)
  if (options.needsObject && first !== undefined && first.name !== 'Object') {
    problems.push({ from: first.from, to: first.to, message: text.object })
  }
  let depth = 0
  const members: Set<string>[] = []
  tree.iterate({
    enter: ({ name, from, to }) => {
      if (problems.length >= mostProblems) return
      if (name === 'Object' || name === 'Array') {
        depth += 1
        if (depth === mostDepth + 1) problems.push({ from, to: from + 1, message: text.depth(mostDepth) })
      }
      if (name === 'Object') members.push(new Set())
      if (name !== 'String' && name !== 'PropertyName') return
      const value: unknown = JSON.parse(source.slice(from, to))
      const message =
        stringProblem(String(value)) ??
        (name === 'PropertyName' ? nameProblem(String(value), members.at(-1), options) : undefined)
      if (message !== undefined) problems.push({ from, to, message })
    },
    leave: ({ name }) => {
      if (name === 'Object' || name === 'Array') depth -= 1
      if (name === 'Object') members.pop()
    },
  })
  return problems
}

function stringProblem(value: string): string | undefined {
  if (value.includes('\0')) return text.nul
  return value.isWellFormed() ? undefined : text.surrogate
}

function nameProblem(name: string, seen: Set<string> | undefined, options: RuleOptions): string | undefined {
  if (seen?.has(name) === true) return text.duplicate(name)
  seen?.add(name)
  if (name === '__proto__') return text.proto
  return name === '$secret' && !options.allowsSecrets ? text.secret : undefined
}

function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const children: SyntaxNode[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child)
  return children
}

/** Where the value of a path stands in a text. */
export function placeOf(
  source: string,
  path: readonly (string | number)[],
): { readonly from: number; readonly to: number } | undefined {
  let [node] = childrenOf(jsonLanguage.parser.parse(source).topNode)
  for (const part of path) {
    if (node === undefined) return undefined
    node = typeof part === 'number' ? itemOf(node, part) : memberOf(node, part, source)
  }
  return node === undefined ? undefined : { from: node.from, to: node.to }
}

function itemOf(array: SyntaxNode, index: number): SyntaxNode | undefined {
  return childrenOf(array).filter(({ name }) => !/^[[\],⚠]$/.test(name))[index]
}

function memberOf(object: SyntaxNode, name: string, source: string): SyntaxNode | undefined {
  const property = childrenOf(object).find((child) => {
    const [key] = childrenOf(child)
    return child.name === 'Property' && key !== undefined && JSON.parse(source.slice(key.from, key.to)) === name
  })
  return property?.lastChild ?? undefined
}
