import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-5'
import { workspaceRoot } from '../workspace.ts'

/** A place in the product's sources that calls a method of the Store, and so sends statements. */
export interface CallSite {
  /** What a reader finds it by, also when lines have moved: file, function, method, and which one of several. */
  readonly name: string
  /** `packages/db/src/…/file.ts:12`, as stacks have it. */
  readonly place: string
}

const methods: ReadonlySet<string> = new Set(['read', 'apply', 'change', 'tidy'])
/** How the product's sources name a Store. */
const stores = /(^|[.#])store$/i
/** What the Store itself does with its methods. */
const ownFile = 'packages/db/src/store/store.ts'

/** All of them. */
export function callSites(): readonly CallSite[] {
  return globSync('{packages/*,functions}/src/**/*.ts', { cwd: workspaceRoot })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path !== ownFile && !path.endsWith('.test.ts'))
    .toSorted()
    .flatMap((path) => callSitesOf(path, readFileSync(join(workspaceRoot, path), 'utf8')))
}

export function callSitesOf(path: string, source: string): readonly CallSite[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const sites: CallSite[] = []
  const counts = new Map<string, number>()
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression
      if (methods.has(name.text) && stores.test(expression.getText(file))) {
        const { line } = file.getLineAndCharacterOfPosition(name.getStart(file))
        const plain = `${path.replace('packages/db/src/', '')} › ${functionOf(node)} › ${name.text}`
        const count = (counts.get(plain) ?? 0) + 1
        counts.set(plain, count)
        sites.push({ name: count === 1 ? plain : `${plain} (${count})`, place: `${path}:${line + 1}` })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return sites
}

function functionOf(node: ts.Node): string {
  for (let parent = node.parent; !ts.isSourceFile(parent); parent = parent.parent) {
    if (ts.isFunctionDeclaration(parent) || ts.isMethodDeclaration(parent)) return parent.name?.getText() ?? ''
  }
  return ''
}

/** The places of the sources that a stack goes through, innermost first. */
export function placesOf(stack: string): readonly string[] {
  const root = workspaceRoot.replaceAll('\\', '/').replace(/\/$/, '')
  return [...stack.replaceAll('\\', '/').matchAll(/\(?(?:file:\/\/)?(\/[^():]+\.ts):(\d+):\d+\)?/g)].flatMap(
    ([, path = '', line]) => (path.startsWith(`${root}/`) ? [`${path.slice(root.length + 1)}:${line}`] : []),
  )
}
