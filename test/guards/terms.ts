import ts from 'typescript-5'

/** A part of a write's condition, or of its locks, that a mutant leaves out. */
export interface Term {
  /** Where it stands: `repositories/workflows/remove.ts:1234`. */
  readonly id: string
  readonly kind: 'condition' | 'lock'
  /** What a reader finds it by, also when lines have moved: file, function, text, and which one of several equal ones. */
  readonly name: string
}

interface Edit {
  readonly at: number
  readonly text: string
  readonly isEnd: boolean
}

export interface Instrumented {
  readonly terms: readonly Term[]
  /** The source with a switch at each term. */
  readonly code: string
}

/** Queries that only read decide nothing that is stored. */
const readers = new Set(['buildQuery', 'defineQuery', 'defineShapedQuery'])
const conjunctions = new Set(['and', 'all'])
const inserts = new Map([
  ['insertWhere', 3],
  ['insertAllWhere', 3],
])

/**
 * Finds, by the syntax tree, each term of each condition of a file: the arguments of `and` and `all`, a `where` that is
 * one term, the condition of a conditional insert, `where … and …` in SQL; and each of its locks: the elements of a
 * list of locks, and `holding`, by which a gate's own statement locks what it reads.
 * @param path below packages/db/src
 */
export function instrument(path: string, source: string): Instrumented {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const edits: Edit[] = []
  const terms: Term[] = []
  const counts = new Map<string, number>()
  const note = (node: ts.Node, kind: Term['kind']): string => {
    const id = `${path}:${node.getStart(file)}`
    const text = node.getText(file).replaceAll(/\s+/g, ' ')
    const plain = `${path} › ${functionOf(node)} › ${text.length > 90 ? `${text.slice(0, 90)}…` : text}`
    const count = (counts.get(plain) ?? 0) + 1
    counts.set(plain, count)
    terms.push({ id, kind, name: count === 1 ? plain : `${plain} (${count})` })
    return `globalThis.guards?.isRemoved(${JSON.stringify(id)})`
  }
  const wrap = (node: ts.Node, before: string, after: string): void => {
    edits.push({ at: node.getStart(file), text: before, isEnd: false }, { at: node.getEnd(), text: after, isEnd: true })
  }
  const condition = (node: ts.Expression): void => {
    if (ts.isSpreadElement(node) || node.getText(file) === 'undefined' || isConjunction(node)) return
    wrap(node, `(${note(node, 'condition')} ? globalThis.guards.always : (`, '))')
  }
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && readers.has(calledName(node))) return
    if (ts.isCallExpression(node)) {
      const name = calledName(node)
      if (conjunctions.has(name)) node.arguments.forEach(condition)
      if (name === 'where' && node.arguments.length === 1 && node.arguments[0]) condition(node.arguments[0])
      const place = inserts.get(name)
      const given = place === undefined ? undefined : node.arguments[place]
      if (given !== undefined) condition(given)
      const [held] = node.arguments
      if (name === 'holding' && held !== undefined) {
        wrap(node, `(${note(node, 'lock')} ? (${held.getText(file)}) : (`, '))')
      }
    }
    if (ts.isTemplateExpression(node)) node.templateSpans.forEach((span, index) => visitSpan(node, span, index))
    if (ts.isArrayLiteralExpression(node) && isOfLocks(node)) {
      for (const element of node.elements) {
        if (ts.isSpreadElement(element)) {
          const { expression } = element
          if (ts.isCallExpression(expression)) wrap(expression, `(${note(expression, 'lock')} ? [] : (`, '))')
        } else wrap(element, `...(${note(element, 'lock')} ? [] : [`, '])')
      }
    }
    ts.forEachChild(node, visit)
  }
  /** `where ${one} and ${other}`: what stands between these words alone. */
  const visitSpan = (template: ts.TemplateExpression, span: ts.TemplateSpan, index: number): void => {
    const before = (index === 0 ? template.head : template.templateSpans[index - 1]?.literal)?.text ?? ''
    const isTerm = /\b(?:where|and)\s*$/.test(before) && /^\s*(?:$|and\b|\)|limit\b|order\b)/.test(span.literal.text)
    const isWhole = template.templateSpans.length === 1 && before === '' && span.literal.text === ''
    if (isTerm && !isWhole) condition(span.expression)
  }
  ts.forEachChild(file, visit)
  return { terms, code: applied(source, edits) }
}

function isConjunction(node: ts.Node): boolean {
  return ts.isCallExpression(node) && conjunctions.has(calledName(node))
}

function calledName({ expression }: ts.CallExpression): string {
  const called = ts.isCallExpression(expression) ? expression.expression : expression
  if (ts.isPropertyAccessExpression(called)) return called.name.text
  return ts.isIdentifier(called) ? called.text : ''
}

/** Part of the value of `locks`, or of what a function gives whose name says that it gives locks. */
function isOfLocks(node: ts.Expression): boolean {
  let outer: ts.Node = node
  while (isOnlyAround(outer.parent)) outer = outer.parent
  const { parent } = outer
  if (ts.isPropertyAssignment(parent)) return parent.name.getText() === 'locks'
  const isGiven = ts.isReturnStatement(parent) || ts.isArrowFunction(parent)
  return isGiven && /locks/i.test(functionOf(node))
}

function isOnlyAround(node: ts.Node): boolean {
  return (
    ts.isConditionalExpression(node) ||
    ts.isParenthesizedExpression(node) ||
    ts.isSpreadElement(node) ||
    ts.isArrayLiteralExpression(node)
  )
}

/** The name of the outermost function, or constant, that a node stands in. */
function functionOf(node: ts.Node): string {
  let name = 'module'
  for (let outer: ts.Node = node; !ts.isSourceFile(outer); outer = outer.parent) {
    if (ts.isFunctionDeclaration(outer) && outer.name) name = outer.name.text
    if (ts.isVariableDeclaration(outer) && ts.isSourceFile(outer.parent.parent.parent)) name = outer.name.getText()
  }
  return name
}

/** At one place, what was begun last ends first, before another begins. */
function applied(source: string, edits: readonly Edit[]): string {
  const ends = edits.filter(({ isEnd }) => isEnd).toReversed()
  const begins = edits.filter(({ isEnd }) => !isEnd)
  let code = ''
  let done = 0
  // The sort is stable.
  for (const { at, text } of [...ends, ...begins].toSorted((one, other) => one.at - other.at)) {
    code += source.slice(done, at) + text
    done = at
  }
  return code + source.slice(done)
}
